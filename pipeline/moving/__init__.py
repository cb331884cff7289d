"""Data on their way out and in.

Out: `exporting` (a table), `bundles` (all of them, for another Garimpo). In, from other projects: `import_values`,
`import_parquet`, `import_sqlite`, `import_text` (packed or not), `import_sheets`, `import_files` (read),
`import_findings` (compared with what is known), `importing` (kept). Both: `backup_files`, `backup`.
"""
