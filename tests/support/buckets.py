"""A server of buckets on this machine (moto's), which answers as badly as it is told to."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

NAME = "bucket"


class Faults:
    """What goes wrong, and how often, beside what comes right; a WSGI application around another.

    Args:
        app: Answers, if it is asked.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self._chance = random.Random(0)
        self._lock = threading.Lock()
        self.share = 0.0
        self.kinds: tuple[str, ...] = ("500", "slow", "cut", "unread", "unheard")
        self.count: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with self._lock:
            kind = self._chance.choice(self.kinds) if self._chance.random() < self.share else ""
            self.count[kind] += 1
        if kind == "500":
            start("500 Internal Server Error", [("Content-Type", "application/xml")])
            return [b"<Error><Code>InternalError</Code><Message>We have an error.</Message></Error>"]
        if kind == "unread":  # the connection breaks while a file goes up
            environ["wsgi.input"].read(min(1000, int(environ.get("CONTENT_LENGTH") or 0)))
            raise ConnectionAbortedError(kind)
        if kind == "slow":
            time.sleep(0.2)
        answer = self._app(environ, start)
        if kind == "unheard":  # all is done, and nobody hears of it
            b"".join(answer)
            raise ConnectionAbortedError(kind)
        return _first_half(answer) if kind == "cut" else answer


def _first_half(answer: Iterable[bytes]) -> Iterator[bytes]:
    """Break off in the middle of a file that comes down."""
    data = b"".join(answer)
    yield data[: len(data) // 2]
    if len(data) > 1:
        raise ConnectionAbortedError("cut")


class Server:
    """The server, in a thread, until it is closed."""

    def __init__(self) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Silent(WSGIRequestHandler):
            protocol_version = "HTTP/1.1"

            def log(self, *message: Any) -> None:
                """Say nothing: errors are meant."""

            def run_wsgi(self) -> None:
                try:
                    super().run_wsgi()
                finally:
                    self.close_connection = True

            def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
                """Nothing more is to be done."""

        self.faults = Faults(DomainDispatcherApplication(create_backend_app))
        self._server = make_server("127.0.0.1", 0, self.faults, threaded=True, request_handler=Silent)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def contents(bucket: str, prefix: str = "") -> dict[str, bytes]:
    """All that is in a bucket, but for manifests, by its keys."""
    import boto3

    client = boto3.client("s3")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [told["Key"] for page in pages for told in page.get("Contents", ())]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys if ".gamut-batch/" not in key}
