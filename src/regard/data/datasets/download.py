"""One file from the web to the disk: resumed, checked, whole or not there.

Bytes arrive in `NAME.part`, and what the server calls this version of the file (its ETag, or its
date) in `NAME.part.version`. A download that broke off goes on with a Range request bound to that
version (If-Range, RFC 9110, section 13.1.5); a file that has changed, or a server that knows no
ranges, starts over. The whole file is checked and only then renamed.
"""

import http.client
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO, Final, NoReturn

from regard.data.atomic import atomic_file
from regard.data.datasets.watching import Watcher
from regard.errors import SourceError, StorageError

_BLOCK: Final = 1 << 18
_PASSING: Final = (408, 425, 429, 500, 502, 503, 504)  # worth another attempt
_BEYOND: Final = 416  # the range that was asked for does not exist


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server, and how often to come back.

    Attributes:
        timeout: seconds without a byte after which a connection counts as dead.
        attempts: how often to try in all.
        pause: seconds before the second attempt; each further pause is twice as long.
    """

    timeout: float = 30.0
    attempts: int = 4
    pause: float = 1.0


class _BrokeOffError(Exception):
    """An attempt failed in a way that another one may not."""


def download(
    url: str,
    target: Path,
    *,
    check: Callable[[Path], None],
    watcher: Watcher,
    advice: str,
    patience: Patience | None = None,
) -> None:
    """Bring a file here; where an earlier attempt broke off, go on from there.

    The caller sees to it that only one process writes into the folder (see `locks`).

    Args:
        url: `http` or `https`.
        target: where the file shall be; its folder exists.
        check: raises `SourceError` where the whole file is not the right one.
        watcher: is told how far it is.
        advice: what to do where it does not work, a sentence for the end of messages.
        patience: timeouts and attempts.

    Raises:
        SourceError: the server cannot be reached, has no such file, or sends another one.
        StorageError: the file cannot be written.
    """
    patience = patience or Patience()
    partial = target.with_name(f"{target.name}.part")
    for attempt in count(1):
        try:
            _receive(url, partial, watcher, patience.timeout, advice)
            break
        except _BrokeOffError as broken:
            if attempt >= patience.attempts:
                _give_up(url, partial, broken, attempt, advice)
            pause = patience.pause * 2 ** (attempt - 1)
            watcher.say(f"{target.name}: {broken}; trying again in {pause:g} s")
            time.sleep(pause)
        finally:
            watcher.end()
    try:
        check(partial)
    except SourceError:
        _forget(partial)
        raise
    with atomic_file(target) as draft:
        partial.replace(draft)
    _forget(partial)


def _give_up(url: str, partial: Path, broken: Exception, attempts: int, advice: str) -> NoReturn:
    """The error after the last attempt."""
    here = partial.stat().st_size if partial.exists() else 0
    kept = f" {_megabytes(here)} are kept, and the same command goes on from there." if here else ""
    raise SourceError(
        f"{url} could not be downloaded in {attempts} attempts: {broken}.{kept} Check the network "
        f"and try again, {advice}"
    ) from broken


def _receive(url: str, partial: Path, watcher: Watcher, timeout: float, advice: str) -> None:
    """One attempt: ask for what is missing, and write what comes."""
    have, version = _kept(partial)
    headers = {"User-Agent": "regard", "Accept-Encoding": "identity"}
    if have and version:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - http(s): `web_address`
    with _answer(request, partial, timeout, advice) as answer:
        start = have if _goes_on(answer, have, version, partial) else 0
        total = _total(answer, start)
        _require_room(partial, total, start, advice)
        watcher.begin(partial.stem, total, start)
        with _opened(partial, start, _version(answer)) as stream:
            received = start
            while received != total and (block := _read(answer)):
                _write(stream, block, partial, advice)
                received += len(block)
                watcher.advance(len(block))
    if total is not None and received != total:
        raise _BrokeOffError(f"the connection ended after {received:,} of {total:,} bytes")


def _answer(
    request: urllib.request.Request, partial: Path, timeout: float, advice: str
) -> http.client.HTTPResponse:
    """What the server answers; whether a failure is worth another attempt is decided here."""
    try:
        answer = urllib.request.urlopen(request, timeout=timeout)  # noqa: S310 - as above
        assert isinstance(answer, http.client.HTTPResponse)  # noqa: S101 - for the type checker
        return answer
    except urllib.error.HTTPError as refused:
        refused.close()
        said = f"the server answers {refused.code} {refused.reason}".rstrip()
        if refused.code == _BEYOND:
            _forget(partial)
        if refused.code == _BEYOND or refused.code in _PASSING:
            raise _BrokeOffError(said) from refused
        raise SourceError(
            f"{request.full_url} could not be downloaded: {said}. The file may have moved; look at "
            f"the page of its publisher, {advice}"
        ) from refused
    except (OSError, http.client.HTTPException) as broken:
        reason = getattr(broken, "reason", broken)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise SourceError(
                f"{request.full_url} could not be downloaded: the certificate of the server cannot "
                f"be trusted ({reason.verify_message}). Try again later, {advice}"
            ) from broken
        raise _BrokeOffError(_said(reason)) from broken


def _read(answer: http.client.HTTPResponse) -> bytes:
    """The next bytes, none at the end; what has come is handed on before the next is waited for."""
    try:
        return answer.read1(_BLOCK)
    except (OSError, http.client.HTTPException) as broken:
        raise _BrokeOffError(_said(broken)) from broken


def _said(reason: object) -> str:
    """What went wrong with a connection, without a full stop."""
    if isinstance(reason, TimeoutError):
        return "the server does not answer"
    told = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return str(told).rstrip(".")


def _kept(partial: Path) -> tuple[int, str]:
    """Bytes that are here, and which version of the file they belong to."""
    note = _version_file(partial)
    if not (partial.is_file() and note.is_file()):
        return 0, ""
    return partial.stat().st_size, note.read_text("utf-8").strip()


def _version(answer: http.client.HTTPResponse) -> str:
    """What tells this version of the file from another; a weak ETag may not be used for ranges."""
    tag = answer.headers.get("ETag", "")
    return answer.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag


def _goes_on(answer: http.client.HTTPResponse, have: int, version: str, partial: Path) -> bool:
    """Whether the answer begins where the bytes that are here end."""
    if answer.status != http.client.PARTIAL_CONTENT:
        return False
    told = answer.headers.get("Content-Range", "")
    if not told.startswith(f"bytes {have}-") or _version(answer) not in ("", version):
        _forget(partial)
        raise _BrokeOffError("the server sends another part than the one that was asked for")
    return True


def _total(answer: http.client.HTTPResponse, start: int) -> int | None:
    """Bytes of the whole file, where the server says so."""
    length = answer.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else None


def _require_room(partial: Path, total: int | None, start: int, advice: str) -> None:
    """Refuse at once what the disk cannot hold."""
    free = shutil.disk_usage(partial.parent).free
    if total is not None and total - start > free:
        raise StorageError(
            f"{partial.parent} has {_megabytes(free)} free, and {_megabytes(total - start)} are to "
            f"come. Free some space, choose another folder with REGARD_DATASETS, {advice}"
        )


def _opened(partial: Path, start: int, version: str) -> IO[bytes]:
    """The file to write into, cut where the answer begins; its version is noted before any byte."""
    try:
        if not start:
            partial.unlink(missing_ok=True)
            _version_file(partial).write_text(version, "utf-8")
        stream = partial.open("r+b" if start else "wb")
        stream.seek(start)
        return stream
    except OSError as broken:
        raise StorageError(
            f"{partial} could not be written ({broken.strerror}). Choose another folder with "
            "REGARD_DATASETS."
        ) from broken


def _write(stream: IO[bytes], block: bytes, partial: Path, advice: str) -> None:
    """Write some bytes, or say in one sentence why not."""
    try:
        stream.write(block)
        stream.flush()
    except OSError as broken:
        raise StorageError(
            f"{partial} could not be written ({broken.strerror}). Free some space and run the same "
            f"command to go on, choose another folder with REGARD_DATASETS, {advice}"
        ) from broken


def _forget(partial: Path) -> None:
    """Remove what is there of a file."""
    partial.unlink(missing_ok=True)
    _version_file(partial).unlink(missing_ok=True)


def _version_file(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.version")


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
