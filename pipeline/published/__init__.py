"""Parts → a database for reading: generations that are built, proved, switched to and kept small.

`merges`, `staging`, `earlier_days`, `history_files`, `snapshots`, `ordered_rows`, `kinds`, `counting`, `building`,
`checks`, `as_of`, `generations`, `publish`, `upgrade`, `compaction`.
"""
