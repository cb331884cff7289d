"""What happened and what may be sent: the operational SQLite file of a workspace, and the locks beside it.

`log_context` (what a thread works for), `storing`, `sqlite_file`, `places`, `ledger` (runs, parts: the commit point),
`opening`, `followed` (a list of one's own), `events` (log lines), `copying`, `belonging`, `notes` (who holds the
workspace), `lease`, `lock` (one run at a time), `budget` (what may be sent), `gate` (a run sends through it). File and
locks may be in a PostgreSQL database: `integrations.postgres_ledger`.
"""
