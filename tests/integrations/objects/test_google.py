"""The same promises of a bucket of Google Cloud Storage, as far as an emulator goes: fake-gcs-server."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from pipeline.errors import SettingsError, StorageError
from pipeline.integrations import object_store
from pipeline.integrations.object_store import open_store
from tests.apps import free_port
from tests.integrations import far
from tests.stores import StoreAt
from tests.test_object_store import *  # noqa: F403  the same promises, of a real store
from tests.test_object_store_kept import test_damage_there_is_mended, test_new_machine_without_ledger  # noqa: F401

numbers = iter(range(1000))
pytestmark = pytest.mark.skipif(not os.environ.get("FAKE_GCS"), reason="no emulator here")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory) -> Iterator[str]:
    """An emulator with a bucket."""
    port = free_port()
    address, folder = f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("gcs")
    command = [os.environ["FAKE_GCS"], "-scheme", "http", "-host", "127.0.0.1", "-port", str(port),
               "-public-host", f"127.0.0.1:{port}", "-external-url", address,
               "-filesystem-root", str(folder)]  # fmt: skip
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log)
    options = {"credentials": AnonymousCredentials(), "client_options": {"api_endpoint": address}}
    far.until(lambda: Client(project="none", **options).create_bucket("garimpo", timeout=5, retry=None))
    yield address
    running.kill()
    running.wait()


@pytest.fixture
def store_at(endpoint) -> StoreAt:
    """A prefix of its own for each name."""
    number = next(numbers)
    return lambda name: open_store(f"gs://garimpo/test-{number}?endpoint_override={endpoint}", name)


def test_no_bucket(endpoint):
    """A bucket that is not there is named."""
    with pytest.raises(SettingsError, match="there is no such bucket"):
        open_store(f"gs://nothing/x?endpoint_override={endpoint}", "test").put_new("name", b"")


def test_nobody_answers():
    """Where nobody answers that is said, and no word of the library."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"gs://garimpo/x?endpoint_override=http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(StorageError, match=r"does not answer as it should \(no answer\)"):
            open_store(address, "test").names()
    assert object_store.PATIENCE_S < 60
