"""A faithful local Spotify Web API: catalogue, profiles, quotas, faults and a clock of its own.

It stands alone: it imports nothing of the rest of the package, and the rest talks to it over HTTP as it talks to the real API.
Reading order: `config`, `clock`, `draws`, `ids` (the ground) · `genres`, `names`, `growth`, `releases`, `catalog` (what exists when) ·
`profiles`, `objects`, `paging`, `search`, `routes`, `endpoints` (what is answered) · `quotas`, `counts`, `tokens` (what may be asked) ·
`scenario`, `faults`, `distortions`, `wire` (what goes wrong) · `app`, `control`, `truth`, `server`, `process`, `cli` (how it is run).
"""
