"""What the command line asks and prints; its door is `pipeline/__main__.py`, which loads the last.

`console` (how things are printed), `options` (that several commands have); commands: `schedule`, `following`,
`imports`, `moving` (data in and out), `keeping` (what is kept, looked after), `commands` (runs and what they did; the
whole program).
"""
