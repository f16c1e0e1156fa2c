"""A web server on this machine that serves as well, and as badly, as it is told; a watcher."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True)
class Status:
    """Answer with an error."""

    code: int


@dataclass(frozen=True)
class Cut:
    """Promise everything, send so many bytes, and hang up."""

    after: int


@dataclass(frozen=True)
class Stall:
    """Send half of it, and then nothing for some seconds."""

    seconds: float


@dataclass(frozen=True)
class OtherPart:
    """Send another part than the one that was asked for."""


@dataclass
class Site:
    """What is served, and how.

    Attributes:
        files: by name.
        tag: the ETag, or None.
        date: Last-Modified, or None.
        ranges: whether Range is understood.
        binds: whether If-Range is understood.
        tells_length: whether the length is told.
        troubles: what goes wrong, one for each request in turn.
        asked: the headers of each request.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    tag: str | None = '"one"'
    date: str | None = None
    ranges: bool = True
    binds: bool = True
    tells_length: bool = True
    troubles: list[object] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start_of(self, headers: dict[str, str]) -> int:
        """The first byte to send; 0 for everything."""
        asked = headers.get("Range", "")
        bound = headers.get("If-Range")
        if not (self.ranges and asked):
            return 0
        if self.binds and bound not in (None, self.tag, self.date):
            return 0
        return int(asked.removeprefix("bytes=").removesuffix("-"))


@dataclass
class Recorder:
    """A watcher that remembers."""

    said: list[str] = field(default_factory=list)
    begun: list[tuple[str, int | None, int]] = field(default_factory=list)
    received: int = 0

    def say(self, text: str) -> None:
        self.said.append(text)

    def begin(self, name: str, total: int | None, done: int) -> None:
        self.begun.append((name, total, done))

    def advance(self, count: int) -> None:
        self.received += count

    def end(self) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        site = self.site
        site.asked.append(dict(self.headers))
        trouble = site.troubles.pop(0) if site.troubles else None
        body = site.files.get(self.path.rpartition("/")[2])
        if isinstance(trouble, Status) or body is None:
            return self.send_error(trouble.code if isinstance(trouble, Status) else 404)
        start = site.start_of(dict(self.headers))
        if start >= len(body) and start:
            return self.send_error(416)
        self._head(start, body, other=isinstance(trouble, OtherPart))
        self._body(body[start:], trouble)
        return None

    def _head(self, start: int, body: bytes, *, other: bool) -> None:
        site = self.site
        self.send_response(206 if start else 200)
        if start:
            first = start - 1 if other else start
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        if site.tag is not None:
            self.send_header("ETag", site.tag)
        if site.date is not None:
            self.send_header("Last-Modified", site.date)
        if site.tells_length:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()

    def _body(self, rest: bytes, trouble: object) -> None:
        if isinstance(trouble, Cut):
            self.wfile.write(rest[: trouble.after])
        elif isinstance(trouble, Stall):
            self.wfile.write(rest[: len(rest) // 2])
            self.wfile.flush()
            time.sleep(trouble.seconds)
        else:
            self.wfile.write(rest)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass  # a client that hung up is what some tests are about


@contextmanager
def served(site: Site) -> Iterator[Site]:
    """Serve a site from loopback while the block runs."""
    handler = type("Handler", (_Handler,), {"site": site})
    with _Server(("127.0.0.1", 0), handler) as server:
        site.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
