"""A PostgreSQL server of a test's own: its data folder, a free port of this machine, users with passwords.

`python -m tests.integrations.pgledger.server COMMAND...` executes a command with the address of one in LEDGER_SERVER.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.apps import free_port

__all__ = ["PASSWORD", "Server"]

PASSWORD = "a-password-that-no-message-may-show"


class Server:
    """A server that runs; root lends it a user without rights, since it takes none from root."""

    def __init__(self, *options: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="garimpo-postgres-"))
        self._as = {"user": _unprivileged(), "group": pwd.getpwnam(_unprivileged()).pw_gid} if os.geteuid() == 0 else {}
        if self._as:
            os.chown(self.folder, pwd.getpwnam(_unprivileged()).pw_uid, -1)
        self.port = free_port()
        secret = self.folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        made = ["-D", self.folder / "data", "-U", "owner", "-A", "scram-sha-256", "--pwfile", secret]
        subprocess.run(
            [_program("initdb"), *made, "--locale", "C.UTF-8"], check=True, capture_output=True, cwd="/", **self._as
        )
        self._options, self.process = options, None
        self.start()

    def url(self, database: str = "postgres", password: str = PASSWORD, user: str = "owner") -> str:
        """An address with a password in it."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Serve, from where it was stopped; returns once it answers."""
        listening = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}"]
        settings = [word for option in self._options for word in ("-c", option)]
        self.process = subprocess.Popen(
            [_program("postgres"), "-D", self.folder / "data", "-p", str(self.port), *listening, *settings],
            cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self._as,
        )  # fmt: skip
        for _ in range(200):
            try:
                self.ask("SELECT 1")
            except psycopg.OperationalError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError("no server")

    def stop(self) -> None:
        """Break every connection and end."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ask(self, query: str, database: str = "postgres") -> list[tuple]:
        """The rows of a statement by its owner."""
        with psycopg.connect(self.url(database), autocommit=True) as session:
            cursor = session.execute(query)
            return cursor.fetchall() if cursor.description else []

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"d{time.monotonic_ns()}"
        self.ask(f"CREATE DATABASE {name}")
        return self.url(name)

    def tables_of(self, address: str) -> Path:
        """The folder with the files of a database."""
        name = address.rpartition("/")[2]
        return (
            self.folder / "data" / "base" / str(self.ask(f"SELECT oid FROM pg_database WHERE datname = '{name}'")[0][0])
        )

    @contextmanager
    def on_small_disk(self) -> Iterator[str]:
        """The address of a database on a disk of 24 MB; only root can make one."""
        disk, name = self.folder / "small", f"d{time.monotonic_ns()}"
        disk.mkdir()
        owner = pwd.getpwnam(_unprivileged()).pw_uid
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=24m,mode=700,uid={owner}", "none", disk], check=True)
        try:
            self.ask(f"CREATE TABLESPACE {name} LOCATION '{disk}'")
            self.ask(f"CREATE DATABASE {name} TABLESPACE {name}")
            yield self.url(name)
        finally:
            self.stop()
            subprocess.run(["umount", "-l", disk], check=True)

    def make_room(self) -> None:
        """Enlarge the small disk."""
        subprocess.run(["mount", "-o", "remount,size=96m", self.folder / "small"], check=True)

    def close(self) -> None:
        """End it at once, without putting its tables in order, and remove all that it kept."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()
        shutil.rmtree(self.folder)


def _program(name: str) -> str:
    """Debian keeps them off the path."""
    found = shutil.which(name) or next(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), "")
    if not found:
        raise RuntimeError(f"no {name} here")
    return found


def _unprivileged() -> str:
    return "postgres" if any(user.pw_name == "postgres" for user in pwd.getpwall()) else "nobody"


def _main(command: list[str]) -> int:
    server = Server("fsync=off")
    try:
        return subprocess.run(command, check=False, env=os.environ | {"LEDGER_SERVER": server.url()}).returncode
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
