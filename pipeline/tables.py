"""The text of every table: lake, published, state. What it means is in `schema`, which reads it. Imports nothing."""

from __future__ import annotations

__all__ = ["LAKE_TABLES", "PUBLISHED_TABLES", "STATE_TABLES"]

# A line at the margin is a table: name | key | grain | source. An indented one is a column: name | type | meaning.
LAKE_TABLES = """
artists | artist_id, observed_on | attributes of an artist as answered on a day | search, artists
    artist_id | VARCHAR | Spotify id
    observed_on | DATE | UTC day of the answer
    name | VARCHAR | name as shown by Spotify
    genres | VARCHAR[] | genres Spotify gives the artist, sorted; NULL where the field is withheld
    image_url | VARCHAR | largest image (the first given); NULL where there is none
    spotify_url | VARCHAR | page on open.spotify.com
artist_snapshots | artist_id, observed_on | numbers of an artist on a day | search, artists
    artist_id | VARCHAR | Spotify id
    observed_on | DATE | UTC day of the answer
    followers | BIGINT | followers, people; NULL where withheld
    popularity | SMALLINT | 0 to 100, Spotify's own index; NULL where withheld
artist_genres | artist_id, genre, provenance, observed_on | an artist seen under a genre on a day | search, artists
    artist_id | VARCHAR | Spotify id
    observed_on | DATE | UTC day of the answer
    genre | VARCHAR | genre, lower case
    provenance | VARCHAR | search: found by our query for the genre; spotify: in the artist's own genres
releases | album_id, observed_on | a release as answered on a day | artist_albums, albums
    album_id | VARCHAR | Spotify id
    observed_on | DATE | UTC day of the answer
    name | VARCHAR | title
    album_type | VARCHAR | album, single or compilation
    release_date | DATE | first day that the given date can mean
    release_date_text | VARCHAR | date as given: YYYY, YYYY-MM or YYYY-MM-DD
    release_date_precision | VARCHAR | year, month or day
    total_tracks | INTEGER | tracks on the release
    label | VARCHAR | label; NULL where withheld or not asked
    popularity | SMALLINT | 0 to 100; NULL where withheld or not asked
    upc | VARCHAR | barcode; NULL where not asked
    image_url | VARCHAR | largest cover image (the first given)
    spotify_url | VARCHAR | page on open.spotify.com
release_artists | album_id, artist_id | an artist credited on a release | artist_albums, albums
    album_id | VARCHAR | Spotify id of the release
    artist_id | VARCHAR | Spotify id of the artist
    observed_on | DATE | UTC day of the answer
    position | SMALLINT | place in the credits, from 0
    artist_name | VARCHAR | name in the credits
tracks | track_id, observed_on | a track as answered on a day | albums, album_tracks
    track_id | VARCHAR | Spotify id
    observed_on | DATE | UTC day of the answer
    album_id | VARCHAR | release it was read from
    name | VARCHAR | title
    disc_number | SMALLINT | disc, from 1
    track_number | SMALLINT | place on the disc, from 1
    duration_ms | INTEGER | length, milliseconds
    explicit | BOOLEAN | marked explicit
    isrc | VARCHAR | recording code; NULL where not given
    popularity | SMALLINT | 0 to 100; NULL where withheld
    spotify_url | VARCHAR | page on open.spotify.com
track_artists | track_id, artist_id | an artist credited on a track | albums, album_tracks
    track_id | VARCHAR | Spotify id of the track
    artist_id | VARCHAR | Spotify id of the artist
    observed_on | DATE | UTC day of the answer
    position | SMALLINT | place in the credits, from 0
    artist_name | VARCHAR | name in the credits
search_pages | genre, sweep_on, page_offset | a page of a genre search that was read | search
    genre | VARCHAR | genre that was asked
    observed_on | DATE | UTC day of the answer
    sweep_on | DATE | day the sweep of this genre began
    page_offset | INTEGER | offset asked, artists
    page_limit | INTEGER | limit asked, artists
    total | INTEGER | total Spotify claimed
    returned | INTEGER | artists on the page
    last_page | BOOLEAN | nothing follows (no next, an empty page, or the cap of 1,000)
release_pages | artist_id, album_group, page_offset, observed_on | a page of an artist's releases | artist_albums
    artist_id | VARCHAR | Spotify id
    observed_on | DATE | UTC day of the answer
    album_group | VARCHAR | album, single, compilation or appears_on, as asked
    page_offset | INTEGER | offset asked, releases
    total | INTEGER | total Spotify claimed
    returned | INTEGER | releases on the page
    last_page | BOOLEAN | nothing follows
album_pages | album_id, page_offset, observed_on | a page of a release's tracks that was read | albums, album_tracks
    album_id | VARCHAR | Spotify id
    observed_on | DATE | UTC day of the answer
    page_offset | INTEGER | offset, tracks; 0 is the page embedded in the album
    total | INTEGER | total Spotify claimed
    returned | INTEGER | tracks on the page
    last_page | BOOLEAN | nothing follows
"""

PUBLISHED_TABLES = """
artists | artist_id | an artist, latest known | artists, artist_snapshots
    artist_id | VARCHAR | Spotify id
    artist_no | INTEGER | number in this database, by first commit: joins by it are quick
    name | VARCHAR | latest name
    followers | BIGINT | followers on the last day seen, people; NULL where withheld
    popularity | SMALLINT | popularity on the last day seen, 0 to 100; NULL where withheld
    genres | VARCHAR[] | latest genres Spotify gave, sorted; NULL where never given
    image_url | VARCHAR | latest image
    spotify_url | VARCHAR | page on open.spotify.com
    first_seen_on | DATE | first day seen
    last_seen_on | DATE | last day seen
    releases_checked_on | DATE | last day its releases were read; NULL where never
artist_snapshots | artist_id, observed_on | numbers of an artist on a day | artist_snapshots
    artist_id | VARCHAR | Spotify id
    observed_on | DATE | UTC day
    followers | BIGINT | followers, people; NULL where withheld
    popularity | SMALLINT | 0 to 100; NULL where withheld
artist_genres | artist_id, genre, provenance | an artist under a genre | artist_genres
    artist_id | VARCHAR | Spotify id
    artist_no | INTEGER | its number in `artists`; NULL where it is not there
    genre | VARCHAR | genre, lower case
    provenance | VARCHAR | search or spotify
    first_seen_on | DATE | first day seen under it
    last_seen_on | DATE | last day seen under it
releases | album_id | a release, latest known | releases
    album_id | VARCHAR | Spotify id
    name | VARCHAR | title
    album_type | VARCHAR | album, single or compilation
    release_date | DATE | first day that the given date can mean
    release_date_text | VARCHAR | date as given
    release_date_precision | VARCHAR | year, month or day
    total_tracks | INTEGER | tracks on the release
    label | VARCHAR | label
    popularity | SMALLINT | 0 to 100
    upc | VARCHAR | barcode
    image_url | VARCHAR | largest cover image (the first given)
    spotify_url | VARCHAR | page on open.spotify.com
    first_seen_on | DATE | first day seen
    last_seen_on | DATE | last day seen
    tracks_read | INTEGER | tracks of it read so far
release_artists | album_id, artist_id | an artist credited on a release | release_artists
    album_id | VARCHAR | Spotify id of the release
    artist_id | VARCHAR | Spotify id of the artist
    artist_no | INTEGER | its number in `artists`; NULL where it is not there
    position | SMALLINT | place in the credits, from 0
    artist_name | VARCHAR | name in the credits
    first_seen_on | DATE | first day seen
    last_seen_on | DATE | last day seen
tracks | track_id | a track, latest known | tracks
    track_id | VARCHAR | Spotify id
    album_id | VARCHAR | release it was read from
    name | VARCHAR | title
    disc_number | SMALLINT | disc, from 1
    track_number | SMALLINT | place on the disc, from 1
    duration_ms | INTEGER | length, milliseconds
    explicit | BOOLEAN | marked explicit
    isrc | VARCHAR | recording code
    popularity | SMALLINT | 0 to 100
    spotify_url | VARCHAR | page on open.spotify.com
    first_seen_on | DATE | first day seen
    last_seen_on | DATE | last day seen
track_artists | track_id, artist_id | an artist credited on a track | track_artists
    track_id | VARCHAR | Spotify id of the track
    artist_id | VARCHAR | Spotify id of the artist
    position | SMALLINT | place in the credits, from 0
    artist_name | VARCHAR | name in the credits
    first_seen_on | DATE | first day seen
    last_seen_on | DATE | last day seen
search_pages | genre, sweep_on, page_offset | a page of a genre search that was read | search_pages
    genre | VARCHAR | genre that was asked
    sweep_on | DATE | day the sweep began
    page_offset | INTEGER | offset asked, artists
    page_limit | INTEGER | limit asked, artists
    observed_on | DATE | UTC day it was read
    total | INTEGER | total Spotify claimed
    returned | INTEGER | artists on the page
    last_page | BOOLEAN | nothing follows
artist_growth | artist_id | an artist's last known followers and what was gained until then | artist_snapshots
    artist_id | VARCHAR | Spotify id
    artist_no | INTEGER | its number in `artists`; NULL where it is not there
    until | DATE | last day with a number
    followers | BIGINT | number of that day, people
    previous_on | DATE | the day with a number before; NULL where there is none
    previous_followers | BIGINT | number of that day, people
    first_on | DATE | first day with a number
    first_followers | BIGINT | number of that day, people
    since_1 | DATE | last day with a number 1 to 2 days before `until`; NULL where there is none
    gained_1 | BIGINT | followers gained since then, people; NULL where it cannot be said
    since_7 | DATE | last day with a number 7 to 9 days before
    gained_7 | BIGINT | followers gained since then
    since_30 | DATE | last day with a number 30 to 38 days before
    gained_30 | BIGINT | followers gained since then
    since_90 | DATE | last day with a number 90 to 113 days before
    gained_90 | BIGINT | followers gained since then
name_tokens | artist_no, token | a word of an artist's name | artists
    token | VARCHAR | the word, without accents and case, `ł` as `l`, `ß` as `ss` and so on; the table is ordered by it
    artist_no | INTEGER | number in `artists`
genre_days | genre, observed_on | a genre on a day, of the artists that were in it by then | artist_snapshots
    genre | VARCHAR | genre, lower case; '' stands for all artists
    observed_on | DATE | UTC day
    artists | BIGINT | its artists that were seen
    with_followers | BIGINT | of them with a number of followers
    followers_total | BIGINT | sum of these numbers, people; NULL where there is none
    with_popularity | BIGINT | artists with a popularity
    popularity_total | BIGINT | sum of these, each 0 to 100; NULL where there is none
    compared | BIGINT | artists with a number on this day and on an earlier one in the genre
    gained | BIGINT | sum of what they gained since that earlier day, people; NULL where nobody was compared
    found | BIGINT | artists with their first number in the genre
    found_followers | BIGINT | sum of these first numbers, people: found, not gained; NULL where there is none
genre_growth | genre, days, place | an artist of the hundred of a genre that grew most in proportion | artist_growth
    genre | VARCHAR | genre, lower case
    days | INTEGER | over how many days: 1, 7, 30 or 90
    place | INTEGER | place, from 1
    artist_id | VARCHAR | Spotify id
    artist_no | INTEGER | its number in `artists`; NULL where it is not there
    followers | BIGINT | last known number, people
    gained | BIGINT | followers gained, people; above 0, and from at least 1,000
    growth | DOUBLE | gained in proportion to the earlier number
    since | DATE | day of the earlier number
    until | DATE | day of the last number
    compared | BIGINT | artists of the genre of whom growth can be said at all
genre_coverage | genre | how much of a genre is known, and how fresh it is | artist_genres, artists, search_pages
    genre | VARCHAR | genre, lower case
    artists | BIGINT | artists ever seen under it
    found_now | BIGINT | of them those that a search of the genre shows now
    given_now | BIGINT | of them those that have it among their own genres now
    with_followers | BIGINT | artists whose last answer gave followers
    with_releases | BIGINT | artists whose releases were read
    first_seen_on | DATE | first day an artist was seen under it
    last_seen_on | DATE | last day an artist was seen under it
    swept_on | DATE | day on which the last complete search of it began; NULL where there was none
genre_membership | genre, artist_id, provenance, entered_on | a stay: sightings at most 30 days apart | artist_genres
    genre | VARCHAR | genre, lower case
    artist_id | VARCHAR | Spotify id
    provenance | VARCHAR | search or spotify
    entered_on | DATE | first day seen under it
    left_on | DATE | day after the last sighting, once a later complete search or answer lacked it; NULL while in it
runs | run_id | a run | ledger
    run_id | VARCHAR | id, sorts by time
    trigger | VARCHAR | schedule, button, cli, external, import or demo
    state | VARCHAR | succeeded, failed, cancelled, deferred or crashed; running: also the run that published this
    started_at | TIMESTAMP | UTC
    finished_at | TIMESTAMP | UTC; NULL while running
    requests | INTEGER | requests sent
    rows | BIGINT | rows committed
    message | VARCHAR | why it ended as it did, in a sentence
task_runs | run_id, batch_id, attempt | an attempt at a task or at one mapped item of it | ledger
    run_id | VARCHAR | run
    batch_id | VARCHAR | id within the run
    attempt | INTEGER | from 1
    task | VARCHAR | name in the DAG
    item | VARCHAR | label of the mapped item: a genre or an artist; empty for an unmapped task
    state | VARCHAR | succeeded, failed, skipped, cancelled or deferred; running: also the publish that made this
    started_at | TIMESTAMP | UTC
    finished_at | TIMESTAMP | UTC
    requests | INTEGER | requests sent
    rows | BIGINT | rows committed
    message | VARCHAR | error or note
"""

# Beside the published tables, for publishing and planning alone.
STATE_TABLES = """
state_snapshots | artist_id, observed_on | numbers that stand in no history file, or override one there | publish
    artist_id | VARCHAR | Spotify id
    observed_on | DATE | UTC day
    followers | BIGINT | followers, people; NULL where withheld
    popularity | SMALLINT | 0 to 100; NULL where withheld
state_history | month | a history file that is part of artist_snapshots (docs/decisions/0022) | publish
    month | VARCHAR | YYYY-MM
    path | VARCHAR | file, relative to the workspace
    rows | BIGINT | rows
    bytes | BIGINT | size of the file, bytes
    inputs | VARCHAR | digest of the parts it was made of
    first_on | DATE | first day in it
    last_on | DATE | last day in it
    is_overlaid | BOOLEAN | some of its rows are overridden in state_snapshots
state_lists | genre, days | a list of those of a genre that grew most | publish
    genre | VARCHAR | genre, lower case
    days | INTEGER | over how many days: 1, 7, 30 or 90
    compared | BIGINT | artists of the genre of whom growth can be said at all
    edge_growth | DOUBLE | growth of the last that is known: who comes before it is in state_leaders; NULL where all are
    edge_id | VARCHAR | the artist that has it
state_part_months | seq, month | a part of artist_snapshots has rows in a month | publish
    seq | BIGINT | place in the order of commits
    month | VARCHAR | YYYY-MM
    first_on | DATE | first day of these rows
    last_on | DATE | last day of these rows
state_parts | seq | a part that is in this generation | ledger
    seq | BIGINT | place in the order of commits
    table_name | VARCHAR | lake table
    path | VARCHAR | file, relative to the workspace
    day | VARCHAR | UTC day of its folder
    rows | BIGINT | rows
    bytes | BIGINT | size of the file, bytes
    sha256 | VARCHAR | hash of the file
    schema_version | INTEGER | version of the tables it was written with
    run_id | VARCHAR | run that brought it
    batch_id | VARCHAR | batch that brought it
state_meta | key | a fact about this generation | publish
    key | VARCHAR | name
    value | VARCHAR | value
"""
