"""When runs start and how they went.

When: `schedules`. How: `history` (runs looked back at), `freshness` (how old genres are), `words` (what runs say, as
people read it), `notify` (word to people), `telling` (when they get it), `status` (for commands, pages, monitors),
`doctor` (what hinders it), `upkeep` (runs that nobody asked for: old genres, what was put off).
"""
