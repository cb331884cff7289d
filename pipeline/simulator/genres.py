"""The genres of the synthetic catalogue: how common, since when, with which others, how their acts are named."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GENRES", "Genre"]


@dataclass(frozen=True, slots=True)
class Genre:
    """One genre; `near` are the genres its artists may carry too, `styles` the patterns of `names` its acts use."""

    name: str
    weight: float
    since: int
    styles: tuple[str, ...]
    near: tuple[str, ...]
    joint: float  # share of releases made together with another act


GENRES: tuple[Genre, ...] = (
    Genre("mpb", 9, 1965, ("solo", "solo", "first"), ("bossa nova", "samba", "tropicália", "indie brasileiro"), 0.14),
    Genre("sertanejo", 8, 1970, ("duo", "duo", "solo"), ("sertanejo universitário", "forró"), 0.22),
    Genre("funk carioca", 7, 1990, ("mc", "mc", "dj"), ("rap nacional", "trap brasileiro", "electronic"), 0.34),
    Genre(
        "indie pop",
        7,
        1985,
        ("band_en", "solo_en", "first"),
        ("indie rock", "electronic", "folk", "indie brasileiro"),
        0.1,
    ),
    Genre("samba", 6, 1940, ("solo", "group"), ("pagode", "choro", "mpb", "samba-rock"), 0.14),
    Genre("pagode", 6, 1980, ("group", "group", "solo"), ("samba", "axé"), 0.18),
    Genre("hip hop", 6, 1982, ("rapper", "rapper", "solo_en"), ("soul", "jazz", "rap nacional", "r&b"), 0.32),
    Genre("jazz", 5, 1945, ("ensemble", "solo_en", "solo"), ("soul", "bossa nova", "ambient", "choro"), 0.2),
    Genre("rock nacional", 5, 1975, ("band", "band", "band_en"), ("indie brasileiro", "manguebeat"), 0.07),
    Genre("forró", 5, 1955, ("band", "solo", "group"), ("baião", "piseiro", "sertanejo"), 0.16),
    Genre("indie rock", 5, 1985, ("band_en", "band_en", "solo_en"), ("indie pop", "folk", "rock nacional"), 0.07),
    Genre("electronic", 5, 1985, ("dj", "band_en", "first"), ("house", "ambient", "indie pop"), 0.24),
    Genre("rap nacional", 5, 1988, ("mc", "rapper", "group"), ("trap brasileiro", "hip hop", "soul"), 0.3),
    Genre("sertanejo universitário", 4, 2004, ("duo", "solo"), ("sertanejo", "piseiro"), 0.26),
    Genre("trap brasileiro", 4, 2015, ("mc", "rapper", "first"), ("rap nacional", "funk carioca", "hip hop"), 0.38),
    Genre("bossa nova", 4, 1958, ("solo", "ensemble"), ("mpb", "jazz", "samba"), 0.18),
    Genre("axé", 3, 1985, ("band", "group", "first"), ("pagode", "samba-reggae", "mpb"), 0.14),
    Genre("piseiro", 3, 2016, ("solo", "first", "dj"), ("forró", "sertanejo universitário"), 0.26),
    Genre("indie brasileiro", 3, 2000, ("band", "first", "solo"), ("mpb", "indie pop", "tropicália"), 0.12),
    Genre("soul", 3, 1960, ("solo_en", "ensemble"), ("r&b", "hip hop", "jazz"), 0.14),
    Genre("r&b", 3, 1965, ("solo_en", "first"), ("soul", "hip hop"), 0.24),
    Genre("house", 3, 1986, ("dj", "dj", "first"), ("electronic",), 0.3),
    Genre("folk", 3, 1960, ("solo_en", "band_en"), ("indie pop", "indie rock"), 0.08),
    Genre("tropicália", 2, 1967, ("solo", "band"), ("mpb", "samba-rock", "rock nacional"), 0.12),
    Genre("choro", 2, 1935, ("ensemble", "ensemble", "solo"), ("samba", "jazz"), 0.2),
    Genre("ambient", 2, 1978, ("first", "band_en"), ("electronic", "jazz"), 0.14),
    Genre("samba-rock", 2, 1970, ("band", "solo"), ("samba", "soul", "mpb"), 0.14),
    Genre("samba-reggae", 1.5, 1983, ("group", "band"), ("axé", "reggae"), 0.14),
    Genre("reggae", 2, 1970, ("band_en", "band"), ("soul", "samba-reggae"), 0.12),
    Genre("manguebeat", 1.5, 1991, ("band",), ("maracatu", "rock nacional", "hip hop"), 0.1),
    Genre("baião", 1.5, 1948, ("solo", "ensemble"), ("forró", "choro"), 0.14),
    Genre("maracatu", 1, 1960, ("group", "ensemble"), ("manguebeat", "baião"), 0.16),
)
