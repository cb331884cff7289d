"""The browser side: each file without an underscore is a page that composes and nothing else.

Reading order: `_shell` (the frame and the list of pages) · a page · `_data` (answers of `pipeline.queries`, cached per
generation) · `_charts` (frame to figure) · `_cards`, `_tables` and `_images` (rows, cards, tables, pictures as HTML) ·
`_parts` (rows that lead somewhere) · `_live` (what changes by itself) · `_failures` (what stands where nothing can be
shown) · `_text` (two languages) · `_look` (colours, style sheet).
"""
