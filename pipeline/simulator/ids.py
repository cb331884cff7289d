"""Ids of 22 base62 characters that can be read back: an album's id tells its artist, year and number."""

from __future__ import annotations

import hashlib

__all__ = ["ALBUM", "ARTIST", "TRACK", "IdCipher", "is_well_formed"]

ARTIST, ALBUM, TRACK = 1, 2, 3
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUE = {character: value for value, character in enumerate(_ALPHABET)}
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_HALF = (1 << 64) - 1
_ROUNDS = 4


class IdCipher:
    """A keyed permutation of 128 bits (a four-round Feistel network) written in base62."""

    def __init__(self, seed: str) -> None:
        self._keys = [hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=8) for number in range(_ROUNDS)]

    def encode(self, kind: int, *numbers: int) -> str:
        """The id of (kind, artist, year, number, track); numbers left out are 0."""
        artist, year, number, track = (*numbers, 0, 0, 0)[:4]
        plain = kind << 120 | artist << 88 | year << 72 | number << 56 | track << 40
        left, right = plain >> 64, plain & _HALF
        for key in range(_ROUNDS):
            left, right = right, left ^ self._mixed(key, right)
        return _base62(left << 64 | right)

    def decode(self, kind: int, text: str) -> tuple[int, int, int, int] | None:
        """(artist, year, number, track) when this seed made the id for this kind, else None."""
        value = 0
        for character in text:
            value = value * 62 + _VALUE[character]
        left, right = value >> 64, value & _HALF
        if left > _HALF:
            return None
        for key in reversed(range(_ROUNDS)):
            left, right = right ^ self._mixed(key, left), left
        plain = left << 64 | right
        if plain >> 120 != kind or plain & ((1 << 40) - 1):
            return None
        return plain >> 88 & 0xFFFFFFFF, plain >> 72 & 0xFFFF, plain >> 56 & 0xFFFF, plain >> 40 & 0xFFFF

    def _mixed(self, key: int, half: int) -> int:
        digest = self._keys[key].copy()
        digest.update(half.to_bytes(8, "little"))
        return int.from_bytes(digest.digest(), "little")


def is_well_formed(text: str) -> bool:
    """True for 22 base62 characters, the only shape the API looks up."""
    return len(text) == 22 and text.isascii() and text.isalnum()


def _base62(value: int) -> str:
    pairs = []
    for _ in range(11):
        value, rest = divmod(value, 3844)
        pairs.append(_PAIRS[rest])
    return "".join(reversed(pairs))
