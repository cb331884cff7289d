"""Garimpo's pipeline: collect Spotify artists within a budget, keep their history, publish it for reading.

The map, in reading order; tests/test_architecture.py reads this text: a module imports only modules named before it.

Words: `errors`, `setting_types` and `settings`, `workspace` (where files are), `clock`, `tables`, `schema`.
What happened: `bindings`, `sqlite_file`, `ledger` (runs, parts), `events` (log lines), `lease`, `lock` (one run at a
time),
`budget` (what may be sent).
The source: `sightings`, `calls` (requests as data), `deadline`, `sockets`, `transport`, `token`, `backoff`, `asking`,
`refusals`, `spotify`.
One batch of requests → raw bytes: `paging`, `collect`, `allowance`, `grants`; what the app has: `probing`,
`capabilities`.
Raw → rows: `files`, `engine`, `shapes`, `walk`, `normalize`, `parquet`, `store`; → database: `merges`, `staging`,
`history_files`, `snapshots`, `building`, `checks`, `as_of`, `generations`, `publish`, `compaction`; read by
`queries_growth`,
`queries_artists`, `queries_genres`, `queries_releases`, as `queries`, and `tracing` (where a value came from).
Out and in: `exporting`, `bundles`; `import_values`, `import_files`, `import_findings`, `importing`; `backup`.
Kept and let go of: `exchange` (one file for another), `replay`, `retention`,
`erasure` (an artist out of a text), `purge`; after damage: `found_files`, `salvage` (a ledger from what is left),
`recovery`.
A run: `context` (what it holds open), `planner` (what to ask next), `items` (how each fares), `tasks`, `dag` (the
graph), `retries` (what one left), `preview` (a dry run), `progress`, `elsewhere` (another system's workers),
`fanout`, `runner`, `stepping` and `external` (a run whose
steps another system calls).
When: `cron`, `schedules`. How it goes: `history`, `freshness`, `notify`, `status`, `upkeep`; printed by `console`,
`schedule_cli`, `moving_cli`, `keeping_cli`.
In the app: `demo` (on the simulator, a package of its own), `warming` (the generation that pages see), `controls` (what
pages ask and change), `scheduler`.
"""

__version__ = "0.1.0"
