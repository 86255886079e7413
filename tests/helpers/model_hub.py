"""A hub that serves a model's files, in a thread, and fails in the way that a test asks for."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REPOSITORY, REVISION = "owner/model", "abc123"
PREFIX = f"/{REPOSITORY}/resolve/{REVISION}/"
WEIGHTS = bytes(range(256)) * 20_000  # 5 MB
TOKENIZER = b'{"version": "1.0"}'
FILES = {"model.safetensors": WEIGHTS, "tokenizer.json": TOKENIZER}
DIGESTS = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}


@dataclass
class Hub:
    """What the hub serves, how it fails, and what was asked of it."""

    files: dict[str, bytes] = field(default_factory=lambda: {PREFIX + name: data for name, data in FILES.items()})
    breaks: list[int] = field(default_factory=list)  # after so many bytes of the next answers, one number for each
    statuses: list[int] = field(default_factory=list)  # of the next answers, before any good one
    ranges: bool = True
    sizes: bool = True  # whether it tells them
    elsewhere: str = ""  # what answers redirect to
    seconds_per_mb: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)  # path and range
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_: Any) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        hub = self.hub
        wanted = self.headers.get("Range", "")
        hub.asked.append((self.path, wanted))
        if hub.statuses:
            self.send_error(hub.statuses.pop(0))
        elif hub.elsewhere and not self.path.startswith("/elsewhere"):
            self.send_response(302)
            self.send_header("Location", f"{hub.elsewhere}/elsewhere{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path.removeprefix("/elsewhere") not in hub.files:
            self.send_error(404)
        else:
            self.send_file(hub.files[self.path.removeprefix("/elsewhere")], wanted)

    def send_file(self, data: bytes, wanted: str) -> None:
        hub, start = self.hub, 0
        if hub.ranges and (span := re.fullmatch(r"bytes=(\d+)-", wanted)):
            start = int(span[1])
            if start >= len(data):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        for name, value in hub.headers.items():
            self.send_header(name, value)
        if hub.sizes:
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        end = start + hub.breaks.pop(0) if hub.breaks else len(data)
        with suppress(ConnectionError):  # the client may be killed, or have heard enough
            for place in range(start, min(end, len(data)), 100_000):
                self.wfile.write(data[place : min(place + 100_000, end)])
                time.sleep(hub.seconds_per_mb / 10)
        self.close_connection = True


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
