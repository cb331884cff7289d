"""Spotify asked: from a request as data to one batch of answers as raw bytes, and what an app gets at all.

Data: `sightings` (what answers show), `calls` (requests, batches, answers). One request: `deadline`, `sockets`,
`transport` (HTTP), `token`, `backoff` (asked again), `asking` (as spotipy takes it), `refusals` (as our errors),
`spotify` (all of it). A batch: `paging` (what follows a page), `collect`; by workers elsewhere `allowance` (there) and
`grants` (here). What the app has: `probing` (asked), `capabilities` (kept).
"""
