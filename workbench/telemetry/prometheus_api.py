"""The HTTP API of a live Prometheus, as a careful guest: bounded, retried, and never handing its credentials to another host.

The standard library alone: requests are few and large, so nothing would be gained by a client that keeps connections.
"""

from __future__ import annotations

import base64
import http
import http.client
import json
import random
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from workbench.errors import BadInput, Problem
from workbench.telemetry.complaints import quoted

MAX_ANSWER_BYTES = 256_000_000
"""Of one answer, decompressed."""
_PIECE = 1 << 16
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})
_TOO_MUCH = ("too many samples", "exceeded maximum resolution", "query timed out")


class TooMuch(Exception):
    """The server says, or its answer shows, that less must be asked at once."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What stands in the header `Authorization`; never printed."""

    header: str = field(repr=False)

    @classmethod
    def bearer(cls, token: str) -> Credentials:
        """A bearer token."""
        return cls(f"Bearer {token}")

    @classmethod
    def basic(cls, user_and_password: str) -> Credentials:
        """`user:password`."""
        return cls("Basic " + base64.b64encode(user_and_password.encode()).decode())


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows redirects within one scheme, host and port; anywhere else the credentials would go with the question."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        del fp, code, msg, headers
        if _origin(newurl) != _origin(req.full_url):
            raise _Elsewhere(_without_query(newurl))
        # The library would turn the question into a GET without its parameters.
        again = urllib.request.Request(newurl, data=req.data, headers=req.headers)  # noqa: S310 - same scheme as before
        for name, value in req.unredirected_hdrs.items():
            if name == "Authorization":
                again.add_unredirected_header(name, value)
        return again


class _Elsewhere(Exception):
    pass


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urllib.parse.urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port


def _without_query(url: str) -> str:
    return urllib.parse.urlsplit(url)._replace(query="", fragment="").geturl()


def checked_url(url: str) -> str:
    """The address without a trailing slash; raises BadInput for one that cannot be a server's, or carries a password."""
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable, parts = False, urllib.parse.urlsplit("")
    if not usable:
        raise BadInput(
            Problem("fetch/url", "this is no address of a server", found=quoted(url), allowed="http://prometheus.example:9090")
        )
    if "@" in parts.netloc:
        message = "an address with a password in it can be read by everybody on this machine; use --basic-auth-env"
        raise BadInput(Problem("fetch/url", message, allowed="the address without user and password"))
    return _without_query(url).rstrip("/")


@dataclass
class Client:
    """One server. Every failure that more tries do not mend is BadInput; nothing that it raises holds the credentials."""

    url: str
    credentials: Credentials | None = None
    timeout_s: float = 60.0
    """For one answer, from the question to its last byte."""
    retries: int = 5
    verify: bool = True
    ca_file: str | None = None
    wait: Callable[[float], None] = time.sleep
    _opener: Any = field(default=None, repr=False)
    _by_get: bool = False
    """Where POST is not allowed, as behind some proxies."""

    def __post_init__(self) -> None:
        """Prepare connections."""
        self.url = checked_url(self.url)
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise BadInput(Problem("fetch/ca-file", f"cannot be read: {reason}", file=self.ca_file)) from error
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self._opener = urllib.request.build_opener(_SameHost(), urllib.request.HTTPSHandler(context=context))

    def ask(self, path: str, parameters: Mapping[str, str]) -> tuple[list[Any], tuple[str, ...]]:
        """The series of one query, and the server's warnings; raises TooMuch where less must be asked at once."""
        attempt = 0
        while True:
            try:
                return self._answer(path, parameters)
            except _Passing as error:
                if attempt == self.retries:
                    self._fail("fetch/gave-up", f"gave up after {attempt + 1} tries: {error.reason}")
                self.wait(_delay(attempt, error.after_s))
                attempt += 1

    def _answer(self, path: str, parameters: Mapping[str, str]) -> tuple[list[Any], tuple[str, ...]]:
        question = urllib.parse.urlencode(parameters)
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            f"{self.url}/api/v1/{path}" + (f"?{question}" if self._by_get else ""),
            data=None if self._by_get else question.encode(),
            headers={"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "slo-workbench"},
        )
        if self.credentials is not None:
            request.add_unredirected_header("Authorization", self.credentials.header)
        deadline = time.monotonic() + self.timeout_s
        try:
            with self._opener.open(request, timeout=self.timeout_s) as answer:
                body = _read(answer, deadline)
        except urllib.error.HTTPError as error:
            with error:
                self._refused(error, deadline)
        except _Elsewhere as error:
            self._fail("fetch/redirect", "the server sends elsewhere, and the credentials stay here", found=quoted(str(error)))
        except urllib.error.URLError as error:
            self._unreachable(error.reason)
        except (OSError, http.client.HTTPException) as error:
            self._unreachable(error)
        return self._series(body)

    def _unreachable(self, reason: object) -> NoReturn:
        if isinstance(reason, ssl.SSLCertVerificationError):
            message = f"the server's certificate does not hold: {reason.verify_message}"
            self._fail("fetch/certificate", message, allowed="--ca-file with the authority that signed it")
        if isinstance(reason, TimeoutError):
            raise _Passing(f"no answer within {self.timeout_s:g} s") from None
        if isinstance(reason, OSError | http.client.HTTPException):
            raise _Passing(getattr(reason, "strerror", None) or str(reason) or type(reason).__name__) from None
        raise _Passing(str(reason)) from None

    def _refused(self, error: urllib.error.HTTPError, deadline: float) -> NoReturn:
        try:
            text = _read(error, deadline)[:10_000].decode(errors="replace")
        except (OSError, http.client.HTTPException, _Passing, TooMuch):
            text = ""
        said = _error_of(text)
        if any(sign in said for sign in _TOO_MUCH) or error.code == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise TooMuch(said or f"status {error.code}")
        if error.code == http.HTTPStatus.METHOD_NOT_ALLOWED and not self._by_get:
            self._by_get = True
            raise _Passing("POST is not allowed", 0.0)
        if error.code in _WORTH_ANOTHER_TRY:
            raise _Passing(f"status {error.code}{f': {said}' if said else ''}", _seconds(error.headers.get("Retry-After")))
        if error.code in {401, 403}:
            held = "those given were refused" if self.credentials is not None else "none were given (--token-env, --basic-auth-env)"
            self._fail("fetch/credentials", f"the server wants credentials (status {error.code}); {held}")
        if error.code == http.HTTPStatus.NOT_FOUND:
            self._fail(
                "fetch/no-api", "there is no Prometheus API at this address (status 404)", allowed="the address before /api/v1"
            )
        self._fail("fetch/refused", f"the server refuses the query (status {error.code})", found=quoted(said) if said else None)

    def _series(self, body: bytes) -> tuple[list[Any], tuple[str, ...]]:
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            start = body[:40].decode(errors="replace").lstrip()
            if start.startswith("<"):
                self._fail("fetch/no-api", "this is a web page, not a Prometheus API", found=quoted(start))
            raise _Passing("the answer is cut off or no JSON") from None
        if not isinstance(document, dict) or document.get("status") != "success":
            said = _error_of(document)
            if any(sign in said for sign in _TOO_MUCH):
                raise TooMuch(said)
            self._fail("fetch/refused", "the server does not answer the query", found=quoted(said) if said else None)
        data = document.get("data")
        result = data.get("result") if isinstance(data, dict) else None
        if not isinstance(result, list) or not isinstance(data, dict) or data.get("resultType") != "matrix":
            kind = data.get("resultType") if isinstance(data, dict) else None
            self._fail("fetch/answer", "the answer holds no series over time", found=quoted(kind), allowed="matrix")
        told = [*(document.get("warnings") or ()), *(document.get("infos") or ())]
        return result, tuple(str(one)[:500] for one in told[:20])

    def _fail(self, check: str, message: str, *, found: str | None = None, allowed: str | None = None) -> NoReturn:
        raise BadInput(Problem(check, message, file=self.url, found=found, allowed=allowed)) from None


class _Passing(Exception):
    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after_s = after_s


def _read(answer: Any, deadline: float) -> bytes:
    """The whole body, decompressed; raises TooMuch past the limit, and TimeoutError past the deadline, however slowly it drips."""
    packed = (answer.headers.get("Content-Encoding") or "").lower() == "gzip"
    unpacker = zlib.decompressobj(wbits=31) if packed else None
    pieces, size = [], 0
    while piece := answer.read1(_PIECE):
        if time.monotonic() > deadline:
            raise TimeoutError
        try:
            plain = piece if unpacker is None else unpacker.decompress(piece, MAX_ANSWER_BYTES - size + 1)
        except zlib.error as error:
            raise _Passing("the answer is damaged") from error
        size += len(plain)
        if size > MAX_ANSWER_BYTES:
            raise TooMuch(f"the answer has more than {MAX_ANSWER_BYTES:,} bytes")
        pieces.append(plain)
    if unpacker is not None and not unpacker.eof:
        raise _Passing("the answer is cut off")
    left = getattr(answer, "length", None)
    if left:
        raise _Passing("the answer is cut off")
    return b"".join(pieces)


def _error_of(document: object) -> str:
    """What the server says went wrong, shortened."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError):
            return ""
    said = document.get("error") if isinstance(document, dict) else None
    return str(said)[:300] if said else ""


def _seconds(text: str | None) -> float | None:
    """`Retry-After` in seconds; None if it is a date, or not there."""
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else None


def _delay(attempt: int, after_s: float | None) -> float:
    """How long to wait before the next try: doubled each time, spread a little so that many do not come at once."""
    usual = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0**attempt) * random.uniform(0.8, 1.2)  # noqa: S311 - no result depends on it
    return usual if after_s is None else min(_LONGEST_WAIT_S, max(usual, after_s))
