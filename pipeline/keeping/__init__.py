"""What is kept is made anew, let go of, or mended after damage.

`exchange` (one file for another), `replay`, `retention`, `erasure` (an artist out of a text), `purge`; after damage
`found_files`, `stored`
(what an object store has), `salvage` (a ledger from what is left), `recovery`.
"""
