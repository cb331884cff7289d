"""What happened and what may be sent: the ledger of a workspace, one SQLite file, and the locks beside it.

The ledger: `log_context` (what a thread works for), `database` (what a ledger is kept by: transactions, rows),
`sqlite_file`, `places` (a file or a server), `ledger` (runs, parts: the commit point), `opening` (by the settings).
In it: `followed` (artists of one's own), `capability_rows` (what the source offers), `events` (log lines), `retiring`
(what is let go of by age). Two ledgers: `copying` (one into another), `belonging` (whose files a shared one lists). One
run at a time: `notes` (who holds the workspace), `lease` (for a run of many processes), `lock`. Requests: `budget`
(what may be sent), `gate` (a run sends through it). On a server ledger and locks are those of
`integrations.postgres_ledger`.
"""
