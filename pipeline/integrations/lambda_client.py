"""Batches on AWS Lambda: `GARIMPO_BACKEND=lambda://function`, invoked synchronously with the caller's AWS credentials.

Region, profile and endpoint are boto3's own settings (AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL_LAMBDA).
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from pipeline.integrations.backends import Pool
from pipeline.integrations.wire import LAMBDA_LINES, question, raw_from_json

__all__ = ["invoker", "open_workers"]

SLOTS = 32  # invocations at once, unless the address says ?slots=


class LambdaWorkers(Pool):
    """Threads that invoke a function."""

    def __init__(self, name: str, slots: int) -> None:
        self._invoke = invoker(name, slots)
        super().__init__(ThreadPoolExecutor(slots), slots, LAMBDA_LINES)

    def perform(self, function: Any, *arguments: Any) -> Any:  # noqa: ARG002  the function is there already
        """One invocation; the access stays here."""
        batch, _, allowance = arguments
        return raw_from_json(self._invoke(question(batch, allowance)))


def invoker(name: str, slots: int = SLOTS) -> Any:
    """A function that invokes a Lambda function and returns its answer; raises RuntimeError when that one fell over."""
    # The run retries; a second layer would send requests twice.
    limits = Config(max_pool_connections=slots, retries={"total_max_attempts": 1}, read_timeout=900, connect_timeout=10)
    client = boto3.client("lambda", config=limits)

    def invoke(event: dict[str, Any]) -> Any:
        answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        found = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise RuntimeError(f"{name} fell over: {found.get('errorType', '?')}")
        return found

    return invoke


def open_workers(address: str) -> LambdaWorkers:
    """The function at an address, lambda://name or lambda://name?slots=16."""
    parts = urlsplit(address)
    try:
        return LambdaWorkers(parts.netloc + parts.path, int(parse_qs(parts.query).get("slots", [SLOTS])[0]))
    except BotoCoreError as error:
        raise ValueError(str(error)) from None
