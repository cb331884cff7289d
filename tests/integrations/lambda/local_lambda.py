"""Lambda on this machine: an Invoke API in front, a Runtime API behind, AWS's own runtime client as the worker.

Each worker is a process; one that dies in the middle of an invocation ends it with an error and is started again, as
Lambda does. Asynchronous invocations are tried three times, then they are a dead letter.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import threading
import time
import uuid
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MOST = 6 * 1024 * 1024
ASYNC_TRIES = 3
Outcome = tuple[bytes, bool]  # body, whether the function fell over


class Invocation:
    """One event and what becomes of it."""

    def __init__(self, event: bytes) -> None:
        self.id, self.event = str(uuid.uuid4()), event
        self.outcome: Future[Outcome] = Future()


class Handler(BaseHTTPRequestHandler):
    """JSON over kept connections."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def body(self) -> bytes:
        """What was posted."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            whole = b""
            while size := int(self.rfile.readline(), 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return whole
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """An answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class Worker:
    """One runtime process with a Runtime API of its own."""

    def __init__(self, lambda_: LocalLambda) -> None:
        self._lambda, self._now, self._over = lambda_, None, False
        self._deaths = 0
        worker = self

        class RuntimeApi(Handler):
            def do_GET(self) -> None:
                invocation = worker.take()
                if invocation is None:
                    return self.reply(410)
                return self.reply(
                    200, invocation.event, Lambda_Runtime_Aws_Request_Id=invocation.id,
                    Content_Type="application/json", Lambda_Runtime_Trace_Id="Root=1-0-0",
                    Lambda_Runtime_Deadline_Ms=str(int(time.time() * 1000) + 900_000),
                    Lambda_Runtime_Invoked_Function_Arn="arn:aws:lambda:local:0:function:garimpo",
                )  # fmt: skip

            def do_POST(self) -> None:
                worker.end(self.body(), failed=self.path.endswith("/error"))
                self.reply(202)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), RuntimeApi)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        threading.Thread(target=self._keep, daemon=True).start()

    def take(self) -> Invocation | None:
        """The next invocation, when there is one; a process that died while it waited takes none."""
        deaths = self._deaths
        while not self._over and self._deaths == deaths:
            with contextlib.suppress(queue.Empty):
                taken = self._lambda.waiting.get(timeout=0.2)
                if self._deaths == deaths:
                    self._now = taken
                    return taken
                self._lambda.waiting.put(taken)
        return None

    def end(self, body: bytes, *, failed: bool) -> None:
        """The invocation under way ends."""
        invocation, self._now = self._now, None
        if invocation is not None:
            invocation.outcome.set_result((body, failed))

    def close(self) -> None:
        """End the process."""
        self._over = True
        self.process.kill()
        self._server.shutdown()
        self._server.server_close()

    def _keep(self) -> None:
        while not self._over:
            environment = {
                **self._lambda.environment,
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
            }
            command = [os.environ["RUNTIME"], "-m", "awslambdaric", self._lambda.handler]
            with (self._lambda.folder / "function.log").open("ab") as log:
                self.process = subprocess.Popen(
                    command, cwd=os.environ["FUNCTION"], env=environment, stdout=log, stderr=log
                )
                self.process.wait()
            self._deaths += 1
            self.end(json.dumps({"errorType": "Runtime.ExitError"}).encode(), failed=True)


class LocalLambda:
    """A function that boto3 invokes."""

    def __init__(self, folder: Path, handler: str, workers: int, **environment: str) -> None:
        self.folder, self.handler = folder, handler
        self.environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": os.environ["FUNCTION"], "AWS_LAMBDA_FUNCTION_NAME": "garimpo",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_REGION": "local",
            **environment,
        }  # fmt: skip
        self.waiting: queue.Queue[Invocation] = queue.Queue()
        self.dead_letters: list[bytes] = []
        local = self

        class InvokeApi(Handler):
            def do_POST(self) -> None:
                event = self.body()
                if len(event) > MOST:
                    return self.reply(413, b'{"Type":"User","message":"too large"}')
                if self.headers.get("X-Amz-Invocation-Type") == "Event":
                    threading.Thread(target=local.later, args=(event,), daemon=True).start()
                    return self.reply(202)
                body, failed = local.invoke(event)
                if len(body) > MOST:
                    body, failed = b'{"errorType":"Function.ResponseSizeTooLarge"}', True
                return self.reply(200, body, **({"X_Amz_Function_Error": "Unhandled"} if failed else {}))

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), InvokeApi)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self.workers = [Worker(self) for _ in range(workers)]

    def invoke(self, event: bytes) -> Outcome:
        """One invocation and its outcome."""
        invocation = Invocation(event)
        self.waiting.put(invocation)
        return invocation.outcome.result(120)

    def later(self, event: bytes) -> None:
        """An asynchronous invocation."""
        for _ in range(ASYNC_TRIES):
            if not self.invoke(event)[1]:
                return
        self.dead_letters.append(event)

    def close(self) -> None:
        """End everything."""
        for worker in self.workers:
            worker.close()
        self._server.shutdown()
        self._server.server_close()
