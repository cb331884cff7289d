"""A batch and what it brought as JSON, for functions that are called over HTTP: nothing is pickled, bytes are base64.

A payload that would not fit is left behind, and the batch comes back as a failed attempt that says so. How a function
is called its system's file knows; `FunctionWorkers` are threads that do.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pipeline import errors
from pipeline.errors import GarimpoError, SourceUnavailable
from pipeline.integrations.backends import Pool
from pipeline.settings import load_settings
from pipeline.source.allowance import Allowance, collect_with_allowance
from pipeline.source.calls import Batch, Call, RawBatch, SentRequest
from pipeline.source.sightings import Sightings
from pipeline.source.spotify import Access

__all__ = [
    "FUNCTION_BYTES",
    "FUNCTION_LINES",
    "LAMBDA_BYTES",
    "LAMBDA_LINES",
    "SLOTS",
    "FunctionWorkers",
    "answer",
    "question",
    "raw_from_json",
    "raw_to_json",
    "slots_of",
]

# What an answer may hold (limits 6 MB and 32 MiB, checked 2026-11-22), and how many lines, before compression, keep
# below it as base64 even where they do not compress.
LAMBDA_BYTES, LAMBDA_LINES = 6_000_000, 4_000_000
FUNCTION_BYTES, FUNCTION_LINES = 32_000_000, 22_000_000
SLOTS = 32  # calls at once, unless the address says ?slots=


class FunctionWorkers(Pool):
    """Threads that call a function: `call` hands over a question and returns the answer."""

    def __init__(self, call: Callable[[dict[str, Any]], Any], slots: int, most_bytes: int) -> None:
        self._call = call
        super().__init__(ThreadPoolExecutor(slots), slots, most_bytes)

    def perform(self, function: Any, *arguments: Any) -> Any:  # noqa: ARG002  the function is there already
        """One call; the access stays here."""
        batch, _, allowance = arguments
        return raw_from_json(self._call(question(batch, allowance)))


def slots_of(address: str) -> int:
    """How many calls at once an address asks for."""
    return int(parse_qs(urlsplit(address).query).get("slots", [SLOTS])[0])


def question(batch: Batch, allowance: Allowance) -> dict[str, Any]:
    """What a function is asked; never a secret: it has its own."""
    return {"batch": batch.to_dict(), "allowance": asdict(allowance)}


def answer(event: Mapping[str, Any], most_bytes: int) -> dict[str, Any]:
    """What a function answers: the batch collected with the credentials of its own environment."""
    batch, allowance = Batch.from_dict(event["batch"]), Allowance(**event["allowance"])
    raw = collect_with_allowance(batch, Access.from_settings(load_settings()), allowance)
    found = raw_to_json(raw)
    if len(json.dumps(found)) > most_bytes:
        told = f"{batch.item}: its answers do not fit into {most_bytes} bytes. Collect it with GARIMPO_BACKEND=threads."
        found = raw_to_json(RawBatch(raw.batch_id, b"", 0, raw.requests, (), SourceUnavailable(told), batch.calls))
        found["exchanges"] = [asdict(sent) for sent in raw.sent]
    return found


def raw_to_json(raw: RawBatch) -> dict[str, Any]:
    """A batch's result as JSON values."""
    return {
        "batch_id": raw.batch_id, "payload": base64.b64encode(raw.payload).decode("ascii"), "lines": raw.lines,
        "requests": raw.requests, "failures": [[_call(call), _error(error)] for call, error in raw.failures],
        "error": _error(raw.error), "left": [_call(call) for call in raw.left],
        "capabilities": asdict(raw.sightings), "exchanges": [asdict(sent) for sent in raw.sent],
    }  # fmt: skip


def raw_from_json(values: Mapping[str, Any]) -> RawBatch:
    """The result that `raw_to_json` described; raises LookupError, TypeError or ValueError for anything else."""
    seen = values["capabilities"]
    sightings = Sightings(
        {kind: tuple(names) for kind, names in seen["fields"].items()}, seen["objects"], tuple(seen["withdrawn"]),
        tuple((endpoint, limit) for endpoint, limit in seen["refused_limits"]),
    )  # fmt: skip
    failures = [(_a_call(call), _an_error(error)) for call, error in values["failures"]]
    return RawBatch(
        values["batch_id"], base64.b64decode(values["payload"], validate=True), values["lines"], values["requests"],
        tuple((call, error) for call, error in failures if error), _an_error(values["error"]),
        tuple(_a_call(call) for call in values["left"]), sightings,
        tuple(SentRequest(**sent) for sent in values["exchanges"]),
    )  # fmt: skip


def _call(call: Call) -> dict[str, Any]:
    return {"endpoint": call.endpoint, "params": dict(call.params)}


def _a_call(values: Mapping[str, Any]) -> Call:
    return Call(values["endpoint"], values["params"])


def _error(error: GarimpoError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    args = [{"at": arg.isoformat()} if isinstance(arg, datetime) else arg for arg in error.args]
    return {"class": type(error).__name__, "args": args}


def _an_error(values: Mapping[str, Any] | None) -> GarimpoError | None:
    """An error of our tree, and of nothing else, by its name."""
    if values is None:
        return None
    kind = getattr(errors, values["class"]) if values["class"] in errors.__all__ else None
    if not (isinstance(kind, type) and issubclass(kind, GarimpoError)):
        raise ValueError(f"{values['class']!r} is no error of ours")  # noqa: TRY004  the value is wrong, whatever its type
    return kind(*[datetime.fromisoformat(arg["at"]) if isinstance(arg, dict) else arg for arg in values["args"]])
