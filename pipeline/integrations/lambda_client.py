"""Batches on AWS Lambda: `GARIMPO_BACKEND=lambda://function`, invoked synchronously with the caller's AWS credentials.

Region, profile and endpoint are boto3's own settings (AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL_LAMBDA).
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
)

from pipeline.integrations.wire import LAMBDA_LINES, SLOTS, FunctionWorkers, slots_of
from pipeline.source.allowance import NotTaken

__all__ = ["invoker", "open_workers"]


def invoker(name: str, slots: int = SLOTS) -> Any:
    """A function that invokes a Lambda function and returns its answer.

    It raises NotTaken where that one was not begun (no such function, no right, too many at once, nobody there),
    RuntimeError when it fell over.
    """
    # The run retries; a second layer would send requests twice.
    limits = Config(max_pool_connections=slots, retries={"total_max_attempts": 1}, read_timeout=900, connect_timeout=10)
    client = boto3.client("lambda", config=limits)

    def invoke(event: dict[str, Any]) -> Any:
        try:
            answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        except (NoCredentialsError, EndpointConnectionError, ConnectTimeoutError) as error:
            raise NotTaken(str(error)) from None
        except ClientError as error:
            is_ours = 400 <= error.response["ResponseMetadata"]["HTTPStatusCode"] < 500
            raise NotTaken(str(error)) if is_ours else error from None
        found = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise RuntimeError(f"{name} fell over: {found.get('errorType', '?')}")
        return found

    return invoke


def open_workers(address: str) -> FunctionWorkers:
    """The function at an address, lambda://name or lambda://name?slots=16."""
    parts, slots = urlsplit(address), slots_of(address)
    try:
        return FunctionWorkers(invoker(parts.netloc + parts.path, slots), slots, LAMBDA_LINES)
    except BotoCoreError as error:
        raise ValueError(str(error)) from None
