"""What the command line asks and prints; its door is `pipeline/__main__.py`, which loads the last.

`console`, `options`, `schedule`, `following`, `moving`, `keeping`, `commands`.
"""
