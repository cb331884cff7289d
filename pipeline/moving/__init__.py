"""Data on their way out and in.

Out: `exporting`, `bundles`. In: `import_values`, `import_files`, `import_findings`, `importing`. Both:
`backup_files`, `backup`.
"""
