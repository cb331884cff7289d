"""Cover art: an abstract picture per id, drawn as SVG from nothing but the id."""

from __future__ import annotations

from .draws import Dice

__all__ = ["cover_svg"]

_DICE = Dice("artwork")


def cover_svg(found: str, pixels: int = 640) -> str:
    """A square SVG of this many pixels; the same id always gives the same picture."""
    number = int.from_bytes(found.encode()[-7:], "little")
    draws = _DICE(1, number)
    hue = int(360 * draws[0])
    other = (hue + 40 + int(100 * draws[1])) % 360
    shapes = "".join(_SHAPES[int(draws[2] * len(_SHAPES))](number, other, place) for place in range(4))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{pixels}" height="{pixels}" viewBox="0 0 100 100">'
        f'<defs><linearGradient id="g" gradientTransform="rotate({int(90 * draws[3])})">'
        f'<stop offset="0" stop-color="hsl({hue} 62% 30%)"/><stop offset="1" stop-color="hsl({other} 70% 55%)"/>'
        "</linearGradient></defs>"
        f'<rect width="100" height="100" fill="url(#g)"/>{shapes}</svg>'
    )


def _circle(number: int, hue: int, place: int) -> str:
    draws = _DICE(2, number, place)
    x, y, radius = int(100 * draws[0]), int(100 * draws[1]), 10 + int(30 * draws[2])
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="hsl({(hue + 30 * place) % 360} 75% 65%)" opacity="0.45"/>'


def _ring(number: int, hue: int, place: int) -> str:
    draws = _DICE(3, number)
    x, y = 25 + int(50 * draws[0]), 25 + int(50 * draws[1])
    radius, color = 10 + 12 * place, f"hsl({(hue + 20 * place) % 360} 80% 70%)"
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="none" stroke="{color}" stroke-width="4" opacity="0.6"/>'


def _wave(number: int, hue: int, place: int) -> str:
    draws = _DICE(4, number, place)
    start, bend, end = 35 + 16 * place, int(60 * draws[0]) - 30, 30 + int(30 * draws[1]) + 10 * place
    path = f"M0 {start} C30 {start + bend} 70 {end - bend} 100 {end} V100 H0Z"
    return f'<path d="{path}" fill="hsl({(hue + 25 * place) % 360} 65% {58 - 9 * place}%)" opacity="0.6"/>'


def _bar(number: int, hue: int, place: int) -> str:
    draws = _DICE(5, number, place)
    x, width, height = 8 + 22 * place, 10 + int(8 * draws[0]), 20 + int(65 * draws[1])
    place_and_size = f'x="{x}" y="{100 - height}" width="{width}" height="{height}"'
    return f'<rect {place_and_size} rx="4" fill="hsl({hue} 80% 72%)" opacity="0.65"/>'


_SHAPES = (_circle, _ring, _wave, _bar)
