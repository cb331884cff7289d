"""Parts → a database for reading: generations that are built, proved, switched to and kept small.

Merging: `steps` (what runs when), `merges` (its SQL), `staging` (parts as tables). Daily numbers: `history_files` (a
month in one), `snapshots` (in files and in a table), `earlier_days` (which growth is counted from); of a rebuild
`ordered_rows`, `kinds` (artists in the same genres), `counting`. A generation: `building` (filled), `checks` (proved),
`as_of` (of an earlier day), `faults` (what DuckDB says while one is read), `generations` (opened), `live` (with what is
not in one yet), `placing` (in the place of another), `publish`, `upgrade` (of another program's), `compaction` (its
numbers into files).
"""
