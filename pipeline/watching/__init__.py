"""When runs start and how they went.

When: `schedules`. How: `history`, `freshness`, `notify`, `telling`, `status`, `upkeep`.
"""
