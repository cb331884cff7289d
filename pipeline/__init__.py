"""Garimpo's pipeline: collect Spotify artists within a budget, keep their history, publish it for reading.

The map, in reading order; tests/test_architecture.py reads it and every package's own: a module imports only what the
maps name before it, here the packages, in a package its modules.

Words: `errors`, `cron`, `setting_types` and `settings`, `ledger_copy` and `workspace` (where files are), `clock`,
`priority`, `tables`, `schema`, `text` (what people are told, in two languages).
`records`: what happened and what may be sent, one SQLite file. `source`: Spotify asked, one batch of requests → raw
bytes. `lake`: raw → typed rows in Parquet. `published`: rows → a database for reading. `queries`: what pages ask of it.
`moving`: data out and in. `keeping`: made anew, let go of, mended. `runs`: the graph of tasks and what executes it.
`watching`: when runs start and how they went. `cli`: what the command line prints. `service`: the part inside the app.

Beside them, with rules of their own: `simulator` (a Spotify for demo and tests), `integrations` (systems beyond one
machine, each looked for only where a setting names it). What words mean: docs/words.md.
"""

__version__ = "0.1.0"
