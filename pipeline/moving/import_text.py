"""The text of a file that other projects leave behind, also of one that gzip packed: taken whole, within a limit.

Imports `errors`.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import DamagedFile, SettingsError

__all__ = ["LARGEST_MB", "is_packed", "require_fit", "whole_text"]

LARGEST_MB = 512  # of text, which is taken whole: reading it needs about seven times its size
CHUNK = 1 << 20  # bytes that are unpacked at a time: what grows beyond the limit is not unpacked further
TAR_AT, TAR = 257, b"ustar"  # where an archive of several files says that it is one
UNPACK = "Unpack it and import what was in it. Nothing was imported."


def is_packed(head: bytes) -> bool:
    """Whether a file that begins so is one that gzip packed."""
    return head.startswith(b"\x1f\x8b")


def whole_text(path: Path, head: bytes) -> str:
    """The text of a file that begins with `head`, packed or not, whatever its encoding.

    Raises SettingsError for what is no text once it is unpacked, and where it is too much to be taken at once;
    DamagedFile for what was packed and cannot be unpacked to its end; OSError.
    """
    if is_packed(head):
        return _decoded(b"".join(_unpacked(path)))
    require_fit(path, path.stat().st_size, "")
    return _decoded(path.read_bytes())


def _unpacked(path: Path) -> Iterator[bytes]:
    size = 0
    try:
        with gzip.open(path) as file:
            while chunk := file.read(CHUNK):
                if not size and (chunk.startswith((b"SQLite format 3\0", b"PAR1", b"PK\x03\x04", b"\x1f\x8b"))
                                 or chunk.startswith(TAR, TAR_AT)):  # fmt: skip
                    raise SettingsError(f"{path} has no text in it but another kind of file. {UNPACK}")
                size += len(chunk)
                require_fit(path, size, " once it is unpacked")
                yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DamagedFile(f"{path} cannot be unpacked to its end ({error}). Nothing was imported.") from None


def require_fit(path: Path, size: int, when: str) -> None:
    """Raise SettingsError where a file has more bytes, `when` it is read so, than are taken at once."""
    if size > LARGEST_MB * 1_000_000:
        had = f"{size / 1e6:,.0f} MB" if not when else f"more than {LARGEST_MB} MB"
        told = f"{path} has {had}{when}, of text {LARGEST_MB} at most can be read at once"
        raise SettingsError(f"{told}. Split it into several files and import their folder. Nothing was imported.")


def _decoded(content: bytes) -> str:
    for start, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(start):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")  # what spreadsheets on Windows write
