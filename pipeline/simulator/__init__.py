"""A faithful local Spotify Web API: catalogue, profiles, quotas, faults and a clock of its own.

It stands alone: it imports nothing of the rest of the package, and the rest talks to it over HTTP as to the real API.
Reading order: `config`, `clock`, `draws`, `ids` (the ground) · `genres`, `names`, `growth`, `releases`, `catalog`,
`catalog_sources` (what exists when) · `profiles`, `objects`, `paging`, `search`, `routes`, `endpoints`
(what is answered) · `quotas`, `counts`, `tokens` (what may be asked) · `fault_kinds`, `scenario`, `faults`,
`distortions`, `wire` (what goes wrong) · `truth`, `world`, `control`, `artwork`, `app`, `server`, `process`, `cli`
(how it is run).
"""
