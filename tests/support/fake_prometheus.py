"""A small server on loopback that answers like Prometheus, or fails in every way that a test asks for."""

import json
import sys
import threading
import urllib.parse
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

START = 1_775_001_600
EVERY = 15


def matrix(series):
    """An answer with these series: labels and [(time, value)]."""
    result = [{"metric": labels, "values": [[t, str(v)] for t, v in pairs]} for labels, pairs in series]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()


def counter(first, last, name="up_total"):
    """A counter scraped every 15 s from 2026-04-01 on, as an instant query with a range over [first, last] shows it."""
    begin = START + -(-(first - START) // EVERY) * EVERY
    return matrix([({"__name__": name, "job": "a"}, [(t, (t - START) // EVERY) for t in range(int(begin), int(last) + 1, EVERY)])])


def asked_range(parameters):
    """First and last second of an instant query with a range, whose left edge is open."""
    last = float(parameters["time"])
    window = int(parameters["query"].rpartition("[")[2].removesuffix("ms]"))
    return last - window / 1000 + 0.001, last


class Server(ThreadingHTTPServer):
    """A client may give up in the middle of an answer, as some tests want; that must not speak into the output of another test."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Fake:
    """What was asked, and what to answer: `answer(number, parameters)` gives (status, headers, body) or None for the usual."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []
        self.headers = []
        self.url = ""


@contextmanager
def fake(answer=lambda _number, _parameters: None):
    """A running server; `answer` may also return a function that writes to the handler itself."""
    state = Fake(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            self.reply(dict(urllib.parse.parse_qsl(body)))

        def do_GET(self):
            self.reply(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query)))

        def reply(self, parameters):
            state.asked.append({"path": self.path, "method": self.command, **parameters})
            state.headers.append(dict(self.headers))
            chosen = state.answer(len(state.asked), parameters)
            if callable(chosen):
                chosen(self)
                return
            status, headers, body = chosen or (200, {}, counter(*asked_range(parameters)))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
