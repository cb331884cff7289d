"""What the command line asks and prints; its door is `pipeline/__main__.py`.

`console`, `schedule`, `moving`, `keeping`.
"""
