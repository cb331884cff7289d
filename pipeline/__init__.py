"""Garimpo's pipeline: collect Spotify artists within a budget, keep their history, publish it for reading.

Reading order, each module one idea: `errors` and `settings` (words and knobs), `workspace` (where files are),
`schema` (tables as data), `ledger` (what happened), `budget` (what may be sent), `spotify` (the source), `collect` (one batch of
requests → raw bytes), `normalize` (raw → rows), `store` (files), `publish` (the database pages read), `planner` (what to ask
next), `tasks` and `dag` (the graph), `runner` (executes it), `scheduler` (when), `queries` (what pages ask).

Imports point down that list reversed: a module imports only modules named before it. `tests/test_architecture.py` enforces this
and that each third-party package has one owner.
"""

__version__ = "0.1.0"
