"""What happened and what may be sent: the operational SQLite file of a workspace, and the locks beside it.

`bindings` (what a thread works for), `sqlite_file`, `ledger` (runs, parts: the commit point), `events` (log lines),
`lease`, `lock` (one run at a time), `budget` (what may be sent).
"""
