"""Raw answers → typed rows → Parquet parts: the truth on disk.

Ground: `files` (whole or not there), `engine` (DuckDB). Reading: `shapes` (answers, declared), `walk` (one line),
`selects` (the SQL), `strict` and `walking` (the two readers), `normalize` (which of them). Keeping: `parquet` (how it
is written), `truth` (here, and in an object store), `volumes` (many parts in a file), `store` (a batch, committed).
"""
