"""Parts → a database for reading: generations that are built, proved, switched to and kept small.

`steps`, `merges`, `staging`, `history_files`, `snapshots`, `earlier_days`, `ordered_rows`, `kinds`, `counting`,
`building`, `checks`, `as_of`, `generations`, `placing`, `publish`, `upgrade`, `compaction`.
"""
