"""Pictures: Spotify's own where an address on its image server is known, else a drawing made here from the id.

A drawing is a small SVG, the same for the same id on every machine, so that the demo (whose picture server moves to
another port at each start) and records without a picture look cared for and nothing is fetched.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

__all__ = ["IMAGE_HOST", "drawing", "picture", "sparkline"]

IMAGE_HOST = "https://i.scdn.co"

# Ground first, then what is drawn on it; each set works on light and dark pages.
INKS = (
    ("#F2E8D5", "#D98E04", "#A23E12", "#1F4E5F", "#0F2A33"),
    ("#1D3B3A", "#E8B04A", "#F4E9D8", "#C8553D", "#5FA8A0"),
    ("#F0D9C4", "#C8553D", "#7A1F2B", "#2E4057", "#E9A23B"),
    ("#22333B", "#EAE0D5", "#C6AC8F", "#D1603D", "#5E8C8A"),
    ("#E4E6D9", "#3A6B4C", "#D9A62E", "#1C3A2B", "#B4552D"),
    ("#3B1F2B", "#DB6C42", "#F3C969", "#F5E8DA", "#7C9A92"),
    ("#DCE6E8", "#21617A", "#E08E45", "#143642", "#A63D40"),
    ("#2B2D42", "#EF8354", "#F7E1C4", "#8FA6B2", "#C9A227"),
)


def picture(url: str | None, key: str) -> str:
    """An address for `<img src>`: the given one when it is on Spotify's image server, else a drawing of `key`."""
    return url if url and url.startswith(f"{IMAGE_HOST}/") else drawing(key)


@lru_cache(maxsize=4096)
def drawing(key: str) -> str:
    """Tiles, grooves or waves in one set of inks, as a data address."""
    digest = hashlib.sha256(key.encode()).digest()
    ground, *inks = INKS[digest[0] % len(INKS)]
    motif = (_tiles, _groove, _waves)[digest[1] % 3]
    shapes = "".join(motif(digest[2:], inks))
    return _address(f'<rect width="96" height="96" fill="{ground}"/>{shapes}', 96, 96)


def _tiles(seed: bytes, inks: Sequence[str]) -> Iterator[str]:
    for cell in range(9):
        x, y, ink = cell % 3 * 32, cell // 3 * 32, inks[seed[cell] % 4]
        shape, turn = seed[cell + 9] % 5, seed[cell + 18] % 4 * 90
        body = (
            f'<path d="M0 0H32A32 32 0 0 1 0 32Z" fill="{ink}"/>',
            f'<path d="M0 0H32V32Z" fill="{ink}"/>',
            f'<path d="M0 16A16 16 0 0 1 32 16Z" fill="{ink}"/>',
            f'<circle cx="16" cy="16" r="10" fill="{ink}"/>',
            "",
        )[shape]
        if body:
            yield f'<g transform="translate({x} {y}) rotate({turn} 16 16)">{body}</g>'


def _groove(seed: bytes, inks: Sequence[str]) -> Iterator[str]:
    x, y = 24 + seed[0] % 48, 24 + seed[1] % 48
    for ring in range(6, 0, -1):
        yield f'<circle cx="{x}" cy="{y}" r="{ring * (7 + seed[2] % 5)}" fill="{inks[(ring + seed[3]) % 4]}"/>'
    yield f'<circle cx="{x}" cy="{y}" r="3" fill="#F4E9D8"/>'


def _waves(seed: bytes, inks: Sequence[str]) -> Iterator[str]:
    x, y, radius = 20 + seed[0] % 56, 18 + seed[1] % 18, 9 + seed[2] % 8
    yield f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{inks[seed[3] % 4]}"/>'
    for layer in range(4):
        top, swing, phase = 38 + layer * 15, 4 + seed[layer + 4] % 9, seed[layer + 8] / 40
        crest = " ".join(f"{x} {top + swing * math.sin(x / 15 + phase):.1f}" for x in range(0, 105, 8))
        yield f'<polygon points="0 96 {crest} 104 96" fill="{inks[(layer + seed[3] + 1) % 4]}"/>'


def sparkline(values: Sequence[int], colour: str) -> str:
    """A line without axes, 96 x 28, as a data address; empty below two values."""
    if len(values) < 2:
        return ""
    middle, span = (max(values) + min(values)) / 2, (max(values) - min(values)) or 1
    step = 92 / (len(values) - 1)
    points = [(2 + step * place, 14 - 22 * (value - middle) / span) for place, value in enumerate(values)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    pen = f'fill="none" stroke="{colour}" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"'
    line = f'<polyline points="{path}" {pen}/>'
    return _address(f'{line}<circle cx="{x:.1f}" cy="{y:.1f}" r="2.4" fill="{colour}"/>', 96, 28)


def _address(body: str, width: int, height: int) -> str:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{body}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
