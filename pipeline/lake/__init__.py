"""Raw answers → typed rows → Parquet parts: the truth on disk.

`files`, `engine`, `shapes`, `walk`, `selects`, `strict` and `walking` (the two readers), `normalize`, `parquet`,
`truth` (here, and in an object store), `volumes` (many parts in a file), `store`.
"""
