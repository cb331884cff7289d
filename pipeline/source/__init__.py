"""Spotify asked: from a request as data to one batch of answers as raw bytes, and what an app gets at all.

`sightings`, `calls` (requests as data), `deadline`, `sockets`, `transport`, `token`, `backoff`, `asking`, `refusals`,
`spotify`; a batch: `paging`, `collect`, `allowance`, `grants`; what the app has: `probing`, `capabilities`.
"""
