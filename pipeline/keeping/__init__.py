"""What is kept is made anew, let go of, or mended after damage.

`exchange` (one file for another: what all of it is done by), `replay`, `retention`, `binding` (a month of parts in one
file), `erasure` (an artist out of a text), `cutting` (out of files), `purge`, `imported` (an import taken back); after
damage `found_files` (by their names), `relisting` (in a new ledger), `stored` (what an object store has), `findings`
(what was wrong), `lists` (what people said), `salvage` (a ledger from what is left), `damaged_volumes`, `mending`
(files that the ledger names), `recovery`.
"""
