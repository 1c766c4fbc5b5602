"""What the checks in Python share: the edge that `run` started, visitors, and how checks are told."""

import json
import os
import socket
import ssl
import sys
import time
import traceback
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

TLS, HTTP, SERVICE = (int(os.environ[name]) for name in ("TLS", "HTTP", "SERVICE"))
TOKEN, WORK, NAME = os.environ["TOKEN"], os.environ["WORK"], os.environ.get("NAME", "agent")
checks = []


def check(sentence, when=True):
    """Declares a check: a sentence, and the function that finds out whether it is true."""

    def declare(function):
        if when:
            checks.append((sentence, function))
        return function

    return declare


def run_checks(after=lambda: None):
    """Runs all of them, each told on a line. The process ends with 1 if one failed."""
    failed = 0
    for sentence, function in checks:
        began = time.monotonic()
        try:
            function()
            print(f"   {sentence} ({time.monotonic() - began:.1f}s)", flush=True)
        except Exception as error:  # whatever a client throws
            failed += 1
            print(f" ! {sentence}", flush=True)
            place = traceback.extract_tb(error.__traceback__)
            place = next((f for f in reversed(place) if "life" in f.filename), place[-1])
            print(f"     line {place.lineno}: {place.line}\n     {type(error).__name__}: {error}")
        finally:
            after()
    print(f"{len(checks) - failed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)


class Visitor(HTTPConnection):
    """Follows a public URL to the edge on this machine."""

    def __init__(self, url):
        parts = urlsplit(url)
        self.scheme = parts.scheme
        super().__init__(parts.netloc, timeout=10)

    def connect(self):
        port = TLS if self.scheme == "https" else HTTP
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        if self.scheme == "https":
            trust = ssl.create_default_context(cafile=os.environ["CA"])
            self.sock = trust.wrap_socket(self.sock, server_hostname=self.host)


def origin(url):
    """A public URL without the port, which is that of the edge on this machine."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"


def visit(url, path="/", method="GET", headers=None) -> tuple[int, str, HTTPResponse]:
    """Status, body and the rest of what a visitor gets."""
    visitor = Visitor(url)
    visitor.request(method, path, headers=headers or {})
    response = visitor.getresponse()
    body = response.read().decode("utf-8", "replace")
    visitor.close()
    return response.status, body, response


def visit_tcp(url, path="/"):
    """Speaks HTTP to a tcp endpoint."""
    address = urlsplit(url)
    connection = HTTPConnection("127.0.0.1", address.port, timeout=10)
    connection.request("GET", path)
    return connection.getresponse().status


def ask(api, path, method="GET", data=None, headers=None):
    """What the local API answers: status, and JSON if it is."""
    parts = urlsplit(api)
    connection = HTTPConnection(parts.hostname, parts.port, timeout=10)
    body = None if data is None else json.dumps(data)
    headers = {"content-type": "application/json", **(headers or {})} if body else headers or {}
    connection.request(method, path, body=body, headers=headers)
    response = connection.getresponse()
    text = response.read().decode()
    try:
        return response.status, json.loads(text)
    except ValueError:
        return response.status, text


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def eventually(holds, within=5.0):
    """Until something is true; what it was the last time otherwise."""
    deadline = time.monotonic() + within
    while True:
        value = holds()
        if value or time.monotonic() > deadline:
            assert value, f"not within {within} s: {value!r}"
            return value
        time.sleep(0.02)


def equal(left, right):
    assert left == right, f"{left!r} is not {right!r}"


def contains(text, *parts):
    for part in parts:
        assert part in text, f"{part!r} is not in {text!r}"
