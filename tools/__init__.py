"""Programs for working on Garimpo: `python -m tools.check` runs every check. Not needed to run it."""
