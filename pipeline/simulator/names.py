"""Invented names of acts, releases, songs and labels, put together from syllables; no real act is meant or listed."""

from __future__ import annotations

from .draws import Dice, pick

__all__ = ["PORTUGUESE_STYLES", "Names"]

PORTUGUESE_STYLES = frozenset({"solo", "first", "duo", "mc", "dj", "group", "band", "ensemble"})


def _parts(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_PT_START = _parts(
    """
    Ara Be Bru Cai Cla Da Do Du Fra Ge Gua Iba Ja Jo Jure Ka La Le Lu Ma Mi Mo Na Ni Oli Pa Pe Qui Ra Ri Ru Sa
    Se Ta Te Tu Ube Va Ve Vi Za Ze
    """
)
_PT_MIDDLE = _parts(
    """
    bre ca ci dra du fe ga gui lha li lo mba mi mu nda nho ni pe qui ra ri ro ru sa sti ta ti tu va ve vi xe zi
    """
)
_PT_END = _parts(
    """
    ba bel ço da dim dra gueira lim lho lda mar mir na nça ndo nha que ral randa rça rim rosa ssa ta tiba tuba
    va vel zal zim
    """
)
_EN_START = _parts(
    """
    Al Ash Bel Bra Cal Cor Dar Del El Fen Gal Har Hol Jas Kel Lor Mar Mer Nor Or Pel Quin Ros Sel Tam Thal Ver
    Wen Wil Yar
    """
)
_EN_MIDDLE = _parts(
    """
    a an be da den e el i in la len li lo ma mo na o ra ri ro ta ten ve vi
    """
)
_EN_END = _parts(
    """
    bourn by cott dale den field ford lane ler lin low man mere mond more nell ney rick ridge ser ston tham ton
    van ver wick wood worth
    """
)
_PT_NOUN = _parts(
    """
    Canto Noite Maré Vento Roda Flor Terreiro Chuva Estrada Quintal Saudade Varanda Farol Areia Baile Dança
    """
)
_EN_NOUN = _parts(
    """
    Rooms Signals Weather Letters Harbour Static Orchard Lanterns Motion Glass Maps Gravity Winter Echoes Tides
    Paper
    """
)
_ENSEMBLES = ("Trio", "Quarteto", "Quinteto", "Orquestra", "Conjunto", "Regional")
_GROUPS = ("Grupo", "Turma do", "Roda", "Bloco", "Coletivo")
_LABELS = ("Selo", "Discos", "Gravadora", "Estúdio")
_PATTERNS = {
    "solo": ("{a} {b}",),
    "solo_en": ("{a} {b}",),
    "first": ("{a}{tail}",),
    "duo": ("{a} & {b}",),
    "mc": ("MC {a}",),
    "dj": ("DJ {a}", "DJ {a}", "{a} {b}"),
    "rapper": ("Lil {a}", "{a} {initial}."),
    "group": ("{group} {a}",),
    "ensemble": ("{ensemble} {a} {b}",),
    "band": ("Banda {a}", "Os {a}s", "{a} {b}"),
    "band_en": ("The {a}s", "{a} {noun}"),
}
_PT_TITLES = ("{noun} de {a}", "{noun} de {a}", "{a} e {b}", "{noun} em {a}", "{a} {b}")
_EN_TITLES = ("{a} {noun}", "{a} {noun}", "{a} and {b}", "{noun} at {a}", "{a} {b}")


class Names:
    """Names as a pure function of the seed and of what they name."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice

    def act(self, index: int, style: str, attempt: int) -> str:
        """The name of artist `index`; another `attempt` gives another name."""
        draws = self._dice(12, index, attempt)
        portuguese = style in PORTUGUESE_STYLES
        first, second = _word(draws[2:5], portuguese=portuguese), _word(draws[5:8], portuguese=portuguese)
        return pick(draws[0], _PATTERNS[style]).format(
            a=first,
            b=second,
            initial=second[:1],
            tail=second[-2:],
            group=pick(draws[1], _GROUPS),
            ensemble=pick(draws[1], _ENSEMBLES),
            noun=pick(draws[1], _EN_NOUN),
        )

    def title(self, *place: int, portuguese: bool) -> str:
        """The title of a release or song at this place (artist, year, number[, track])."""
        draws = self._dice(13, *place)
        first = _word(draws[2:5], portuguese=portuguese)
        if draws[0] > 0.72:
            return first
        pattern = pick(draws[0] / 0.72, _PT_TITLES if portuguese else _EN_TITLES)
        noun = pick(draws[1], _PT_NOUN if portuguese else _EN_NOUN)
        return pattern.format(a=first, b=_word(draws[5:8], portuguese=portuguese), noun=noun)

    def label(self, artist: int) -> str:
        """The record label of an artist."""
        draws = self._dice(14, artist)
        return f"{pick(draws[0], _LABELS)} {_word(draws[1:4], portuguese=True)}"


def _word(draws: list[float], *, portuguese: bool) -> str:
    """A word of three syllables, now and then four."""
    start, middle, end = (_PT_START, _PT_MIDDLE, _PT_END) if portuguese else (_EN_START, _EN_MIDDLE, _EN_END)
    inner = draws[1] * len(middle)
    more = pick(inner % 0.2 / 0.2, middle) if inner % 1 < (0.3 if portuguese else 0.1) else ""
    return pick(draws[0], start) + middle[int(inner)] + more + pick(draws[2], end)
