"""Raw answers → typed rows → Parquet parts: the truth on disk.

`files`, `engine`, `shapes`, `walk`, `normalize`, `parquet`, `truth` (here, and in an
object store), `store`.
"""
