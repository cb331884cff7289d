"""What `simulator --help` explains before it lists the options: 78 columns, no square bracket before a letter."""

from __future__ import annotations

import textwrap

from .config import DEFAULT_PORT
from .fault_kinds import FAULT_KINDS

__all__ = ["HELP"]

_STAGES = {
    "answer": "Faults instead of the answer",
    "wire": "Faults on the wire",
    "pace": "Faults in time",
    "body": "Faults inside a good answer",
    "listing": "Faults in listings (at fixed places of each listing; no item is lost)",
}

_HEAD = f"""Serve a local Spotify Web API, faithful in what it answers and in what it refuses.

Start it, paste the lines it prints into another shell, and the clients there talk to it. Any client id and secret
will do unless --client-id and --client-secret are given. It listens on 127.0.0.1 only and calls nobody.

\b
Examples
  python -m pipeline simulator
  python -m pipeline simulator --profile extended --catalog artists.csv
  python -m pipeline simulator --now 2026-01-01 --clock-speed 1440
  python -m pipeline simulator --quota search=600 --window-requests 180
  python -m pipeline simulator --fault mixed=0.01 --fault slow=0.05@search
  python -m pipeline simulator --scenario lock-out.toml

\b
In the other shell (it prints these lines as they are in force)
  export GARIMPO_API_URL=http://127.0.0.1:{DEFAULT_PORT}/v1/
  export GARIMPO_TOKEN_URL=http://127.0.0.1:{DEFAULT_PORT}/api/token
  export SPOTIPY_CLIENT_ID=simulator
  export SPOTIPY_CLIENT_SECRET=simulator
  PowerShell: $env:GARIMPO_API_URL = "http://127.0.0.1:{DEFAULT_PORT}/v1/" and so on

\b
Profiles
  development  what an individual gets since 2026-02-11: no batch reads (403),
               at most 10 a page in search and artist albums, no followers,
               popularity, label, available_markets, album_group; genres as a
               list, [], null or absent
  legacy       apps from before: all endpoints and fields, 50 a page
  extended     extended quota: answers as legacy

\b
Catalogue
  --artists invented artists, drawn from --seed: the same seed has the same
  artists, followers and releases on the same day, for ever.
  --catalog FILE.csv serves real artists instead (columns artist_uri,
  artist_name, popularity, followers, genres separated by "; "): the file's
  numbers on the first day, growth from the next on, invented releases.
  Followers and popularity stay as they are within one UTC day. A release
  appears at 00:00 UTC of its date; most come on Fridays.

\b
Clock
  It starts at --now and runs --clock-speed times as fast as real time (0: it
  stands). Tokens, quotas, windows and locks go by it. Every answer tells it
  in x-simulated-now.

\b
Limits (none unless asked for)
  --window-requests N  429 after N requests in any 30 s
  --quota BUCKET=N     429 with reason QUOTA_EXCEEDED after N successes in
                       24 h; the bucket is locked until half of them are a day
                       old, or for --lock-s; a call into the lock (half a
                       second after it was announced) adds --lock-penalty-s.
                       --quota N: N for each bucket
  Buckets: search (/search), artist (/artists/ID, /artists?ids=), albums
  (/artists/ID/albums, /albums/ID, /albums?ids=), tracks (/albums/ID/tracks,
  /tracks), other

\b
Faults by flag: --fault WHAT, WHAT=SHARE, WHAT@WHERE or WHAT=SHARE@WHERE
  SHARE is the chance per request (default: every request). WHERE is a bucket,
  an endpoint (search, artist, artists, artist_albums, artist_top_tracks,
  artist_related, album, albums, album_tracks, track, tracks, new_releases,
  categories, markets), token, or a path pattern such as "/v1/artists/*";
  "endpoint:albums" and "bucket:albums" tell apart what is called the same.
  WHAT is a fault below, or mixed: 429, 500, 502, 503, timeout, reset,
  truncated and broken_json, each with the share.

\b
Faults by scenario file: TOML, or JSON with the same keys
  seed = 7
  rules = [
    {{what = "quota", where = ["search"], requests = [120], times = 1}},
    {{what = "server_error", status = [500, 503], share = 0.01}},
    {{what = "withdrawn", where = "artist", from = 2026-01-05T06:00:00Z}},
    {{what = "timeout", every = 200, from_request = 50, hang_s = 30.0}},
  ]
  what                         a fault below, or mixed
  where                        as WHERE above, or a list; default: all of /v1/
  share | every | requests     chance, every n-th, or these (counted from 1
                               among the requests the rule concerns);
                               default: every request
  from, until                  simulated times (until is exclusive)
  from_request, until_request  the same in numbers of requests
  times                        strike at most so often
  anything else                a parameter of the fault, defaults in brackets
  seed decides which requests a share strikes.
"""

_TAIL = """
\b
Control, for tests and scripts (never counted, no token)
  GET  /_simulator/clock     {"now": ...}
  POST /_simulator/clock     {"now": ISO} or {"advance_s": N}
  GET  /_simulator/counts    total, by_bucket, by_endpoint, by_status, answers
                             (each combination), token_requests, into_lock
                             (requests into a locked bucket or window of which
                             the client had been told),
                             max_in_30_s, answers_429 by cause, faults
  POST /_simulator/reset     forget counts, quotas, locks, progress of faults
  POST /_simulator/scenario  replace the faults; {} ends them
  POST /_simulator/profile   {"profile": "extended"}
  GET  /_simulator/catalog   genres with counts, artists, albums, tracks
  GET  /_simulator/truth     all rows as of ?on=DATE (default today); less
                             with genre=NAME (repeatable) and tracks=0
"""


def _faults() -> str:
    lines = []
    for stage, heading in _STAGES.items():
        lines += ["", "\b", heading]
        for kind in FAULT_KINDS.values():
            if kind.stage == stage:
                params = ", ".join(f"{name} = {_toml(value)}" for name, value in kind.params.items())
                text = f"{kind.name:<16} {kind.doc}" + (f" ({params})" if params else "")
                lines += textwrap.wrap(
                    text, 78, initial_indent="  ", subsequent_indent=" " * 19, break_on_hyphens=False
                )
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(part)}" for key, part in value.items()) + "}"
    return f'"{value}"' if isinstance(value, str) else str(value)


HELP = _HEAD + _faults() + _TAIL
