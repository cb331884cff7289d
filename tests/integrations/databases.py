"""PostgreSQL and MariaDB as processes of a test: a data folder of their own, a free port of 127.0.0.1, an own user.

They are stopped, killed and filled up at will. Started by root they run as the user of Debian's package.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.apps import free_port

__all__ = ["MariaDb", "Postgres", "Server", "small_disk"]

START_S = 60
MEGABYTE = 2**20


class Server(ABC):
    """A server that runs until `close`; `password` is its own user's."""

    user = ""  # of the system, where root starts it

    def __init__(self, password: str) -> None:
        self.password = password
        self.folder = Path(tempfile.mkdtemp(prefix="garimpo-server-"))
        self.own(self.folder)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.install()
        self.start()

    @abstractmethod
    def install(self) -> None:
        """Make the data folder."""

    @abstractmethod
    def command(self) -> list[str]:
        """What runs the server."""

    @abstractmethod
    def ask(self, sql: str) -> str:
        """Statements as its administrator; what was said."""

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(self.as_user(*self.command()), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        end = time.monotonic() + START_S
        while True:
            try:
                self.ask("SELECT 1")
            except subprocess.CalledProcessError as error:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text(encoding="utf-8")[-2000:]) from error
                time.sleep(0.2)
            else:
                return

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop it by a signal, and wait."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(START_S)

    def close(self) -> None:
        """Stop it and remove its data."""
        self.stop(signal.SIGINT if isinstance(self, Postgres) else signal.SIGTERM)
        shutil.rmtree(self.folder, ignore_errors=True)

    def own(self, path: Path) -> None:
        """Give a file to the server's user."""
        if os.geteuid() == 0:
            found = pwd.getpwnam(self.user)
            os.chown(path, found.pw_uid, found.pw_gid)

    def as_user(self, *command: str) -> list[str]:
        """A command as the server's user."""
        before = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
        return [*(before if os.geteuid() == 0 else []), *command]

    def run(self, *command: str, sql: str = "") -> str:
        """A program's output; CalledProcessError when it fails."""
        return subprocess.run(command, input=sql, capture_output=True, text=True, check=True).stdout


class Postgres(Server):
    """The newest PostgreSQL that is installed."""

    user = "postgres"

    @property
    def address(self) -> str:
        """Its database, without a schema."""
        return f"postgresql://garimpo:{self.password}@127.0.0.1:{self.port}/postgres"

    def install(self) -> None:
        """A cluster whose only user has the password."""
        word = self.folder / "word"
        word.write_text(self.password, encoding="utf-8")
        self.own(word)
        how = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", f"--pwfile={word}")
        self.run(*self.as_user(self._program("initdb"), "-D", str(self.folder / "data"), "-U", "garimpo", *how))

    def command(self) -> list[str]:
        """In the foreground, no socket but in its folder."""
        place = ("-p", str(self.port), "-h", "127.0.0.1", "-k", str(self.folder))
        return [self._program("postgres"), "-D", str(self.folder / "data"), *place]

    def ask(self, sql: str) -> str:
        """By psql, over the network as we come."""
        return self.run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.address, sql=sql)

    def _program(self, name: str) -> str:
        found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
        return str(found[-1]) if found else name


class MariaDb(Server):
    """MariaDB; each database is a folder of its own."""

    user = "mysql"

    @property
    def address(self) -> str:
        """The server, without a database."""
        return f"mysql://garimpo:{self.password}@127.0.0.1:{self.port}"

    def install(self) -> None:
        """System tables; its root needs no password on the socket."""
        (self.folder / "data").mkdir()
        self.own(self.folder / "data")
        options = ("--auth-root-authentication-method=normal", "--skip-test-db")
        self.run(*self.as_user("mariadb-install-db", "--no-defaults", f"--datadir={self.folder / 'data'}", *options))

    def command(self) -> list[str]:
        """In the foreground, with a small log."""
        place = (f"--datadir={self.folder / 'data'}", f"--port={self.port}", f"--socket={self.folder / 'socket'}")
        more = ("--bind-address=127.0.0.1", "--innodb-log-file-size=32M", f"--pid-file={self.folder / 'pid'}")
        return ["mariadbd", "--no-defaults", *place, *more]

    def start(self) -> None:
        """Start it; our user may do anything, with the password."""
        super().start()
        self.ask(
            f"CREATE USER IF NOT EXISTS garimpo@'127.0.0.1' IDENTIFIED BY '{self.password}';"
            "GRANT ALL ON *.* TO garimpo@'127.0.0.1';"
        )

    def ask(self, sql: str) -> str:
        """As root, over the socket."""
        return self.run("mariadb", "--no-defaults", "-N", "-u", "root", f"--socket={self.folder / 'socket'}", sql=sql)


@contextmanager
def small_disk(server: Server, folder: Path, left_mb: int) -> Iterator[Callable[[], object]]:
    """A disk at a folder of the server, with so much left; what it gives makes room. Only root can have one made.

    It is ext4: InnoDB does not survive a full tmpfs.
    """
    image, ballast = server.folder / "image", folder / "ballast"
    with image.open("wb") as file:
        file.truncate(128 * MEGABYTE)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=True)
    try:
        (folder / "lost+found").rmdir()
        ballast.write_bytes(bytes(shutil.disk_usage(folder).free - left_mb * MEGABYTE))
        server.own(folder)
        yield ballast.unlink
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
