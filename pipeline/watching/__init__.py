"""When runs start and how they went.

When: `cron`, `schedules`. How: `history`, `freshness`, `notify`, `status`, `upkeep`.
"""
