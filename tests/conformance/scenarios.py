"""The same scenarios with every published SDK, against a real edge.

    scenarios.py ADIT NAME=COMMAND ...

COMMAND starts a driver: it reads one JSON object a line ({"op": "connect" | "bind" | "close", ...})
and answers each with one line ({"url": ...} or {"error": text, "code": code}). What the SDK does,
the driver does; what visitors and operators do, this file does.
"""
import base64
import gzip
import http.client
import http.server
import json
import shlex
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

DEADLINE = 20.0  # seconds for any single step; a step that takes longer has failed
DOMAIN = "edge.test"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def eventually(what, check):
    """Tries until `check` returns something true; a deadline, not a nap, decides."""
    end, last = time.monotonic() + DEADLINE, None
    while time.monotonic() < end:
        try:
            if result := check():
                return result
        except OSError as error:
            last = error
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {DEADLINE} s ({last!r})")


class Origin:
    """The private services: HTTP that says what it was asked, and TCP that echoes."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers.get("content-length", 0))
                self.answer({"body": self.rfile.read(length).decode()})

            def do_GET(self):
                self.answer({})

            def answer(self, more):
                body = json.dumps({"path": self.path, "headers": dict(self.headers), **more}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.echo = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            conn, _ = self.echo.accept()
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    @staticmethod
    def serve(conn):
        with conn:
            while data := conn.recv(65536):
                conn.sendall(data)

    @property
    def http_addr(self):
        return f"localhost:{self.http.server_address[1]}"

    @property
    def tcp_addr(self):
        return f"localhost:{self.echo.getsockname()[1]}"


class Edge:
    """A real `adit edge`, on ports that stay the same over a restart."""

    def __init__(self, adit, folder):
        self.adit, self.folder = adit, folder
        self.tls, self.http, tcp = free_port(), free_port(), free_port()
        made = subprocess.run([adit, "edge", "token", "--id", "sdk"], check=True, text=True,
                              capture_output=True, timeout=DEADLINE).stdout
        self.token = next(l.split()[-1] for l in made.splitlines() if l.startswith("token:"))
        digest = next(l.split()[-1] for l in made.splitlines() if "hash:" in l)
        (folder / "edge.yml").write_text(f"""\
domain: {DOMAIN}
connect_host: localhost
tls_addr: 127.0.0.1:{self.tls}
http_addr: 127.0.0.1:{self.http}
tcp_addr: 127.0.0.1
tcp_ports: {tcp}-{min(tcp + 20, 65535)}
state_dir: {folder}/state
tokens:
  - id: sdk
    hash: {digest}
""")
        self.start()
        self.ca = folder / "ca.pem"
        self.ca.write_text(subprocess.run([adit, "edge", "ca", "--state-dir", f"{folder}/state"], check=True,
                                          text=True, capture_output=True, timeout=DEADLINE).stdout)

    def start(self):
        self.process = subprocess.Popen([self.adit, "edge", "--config", self.folder / "edge.yml", "--log-level", "warn"],
                                        stdout=subprocess.DEVNULL)

        def listening():
            if self.process.poll() is not None:
                raise AssertionError(f"the edge ended with {self.process.returncode}")
            return socket.create_connection(("127.0.0.1", self.tls), 1).close() or True

        eventually("the edge listens", listening)

    def stop(self):
        self.process.terminate()
        assert self.process.wait(DEADLINE) == 0, "the edge ends with 0"

    def visit(self, url, method="GET", headers=None, body=None):
        """One request to a public URL, through the edge's own port."""
        scheme, host = url.split("://")
        name = host.split(":")[0]
        if scheme == "http":
            conn = http.client.HTTPConnection("127.0.0.1", self.http, timeout=DEADLINE)
        else:
            conn = http.client.HTTPSConnection("127.0.0.1", self.tls, timeout=DEADLINE)
            conn.sock = self.tls_to(name)
        headers = {"host": host, **(headers or {})}
        conn.request(method, "/there?x=1", body=body, headers=headers)
        response = conn.getresponse()
        response.text = response.read()
        conn.close()
        return response

    def url(self, scheme, name):
        """The public URL of a name: the edge's port is part of it, because it is not the usual one."""
        return f"{scheme}://{name}.{DOMAIN}:{self.http if scheme == 'http' else self.tls}"

    def tls_to(self, name, cafile=None):
        context = ssl.create_default_context(cafile=cafile or self.ca)
        raw = socket.create_connection(("127.0.0.1", self.tls), DEADLINE)
        return context.wrap_socket(raw, server_hostname=name)


class Driver:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def call(self, op, **args):
        self.process.stdin.write(json.dumps({"op": op, **args}) + "\n")
        self.process.stdin.flush()
        answer = []
        reader = threading.Thread(target=lambda: answer.append(self.process.stdout.readline()))
        reader.start()
        reader.join(DEADLINE)
        assert answer and answer[0], f"{op}: the SDK did not answer within {DEADLINE} s"
        return json.loads(answer[0])

    def bind(self, key, proto, to, **options):
        answer = self.call("bind", key=key, proto=proto, to=to, options=options)
        assert "url" in answer, answer
        return answer["url"]

    def end(self):
        self.process.kill()
        self.process.wait()


def echoes(sock, text=b"ping over the tunnel"):
    with sock:
        sock.settimeout(DEADLINE)
        sock.sendall(text)
        got = b""
        while len(got) < len(text):
            part = sock.recv(4096)
            assert part, f"closed after {got!r}"
            got += part
        assert got == text, got
    return True


def own_certificate(folder):
    crt, key = folder / "own.pem", folder / "own.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=own", "-addext", f"subjectAltName=DNS:own.{DOMAIN}",
                    "-keyout", key, "-out", crt], check=True, capture_output=True)
    return str(crt), str(key)


# ---------------------------------------------------------------- scenarios

def https(edge, sdk, origin):
    url = sdk.bind("https", "http", origin.http_addr, domain=f"web.{DOMAIN}")
    assert url == edge.url("https", "web"), url
    answer = edge.visit(url, "POST", {"x-forwarded-for": "6.6.6.6"}, body="hello")
    seen = json.loads(answer.text)
    headers = {k.lower(): v for k, v in seen["headers"].items()}
    assert (answer.status, seen["path"], seen["body"]) == (200, "/there?x=1", "hello"), seen
    assert headers["x-forwarded-for"] == "127.0.0.1", headers
    assert headers["x-forwarded-proto"] == "https", headers
    assert headers["x-forwarded-host"] == f"web.{DOMAIN}:{edge.tls}", headers


def plain_http(edge, sdk, origin):
    url = sdk.bind("http", "http", origin.http_addr, scheme="HTTP", domain=f"plain.{DOMAIN}")
    assert url == edge.url("http", "plain"), url
    assert edge.visit(url).status == 200


def random_name(edge, sdk, origin):
    url = sdk.bind("random", "http", origin.http_addr)
    assert url.startswith("https://") and url.endswith(f".{DOMAIN}:{edge.tls}"), url
    assert edge.visit(url).status == 200


def tcp(edge, sdk, origin):
    url = sdk.bind("tcp", "tcp", origin.tcp_addr)
    port = int(url.rsplit(":", 1)[1])
    assert url.startswith("tcp://"), url
    echoes(socket.create_connection(("127.0.0.1", port), DEADLINE))


def tls_terminated(edge, sdk, origin):
    pair = own_certificate(edge.folder)
    url = sdk.bind("tls", "tls", origin.tcp_addr, domain=f"own.{DOMAIN}", termination=pair)
    assert url == edge.url("tls", "own"), url
    echoes(edge.tls_to(f"own.{DOMAIN}", cafile=pair[0]))


def basic_auth(edge, sdk, origin):
    url = sdk.bind("auth", "http", origin.http_addr, basic_auth=["ann", "correct-horse"])
    refused = edge.visit(url)
    assert refused.status == 401 and "Basic" in refused.headers["www-authenticate"]
    credentials = base64.b64encode(b"ann:correct-horse").decode()
    assert edge.visit(url, headers={"authorization": f"Basic {credentials}"}).status == 200


def headers_and_compression(edge, sdk, origin):
    url = sdk.bind("mw", "http", origin.http_addr, response_header=["x-via", "adit"], compression=True)
    answer = edge.visit(url, headers={"accept-encoding": "gzip"})
    assert answer.headers["x-via"] == "adit", answer.headers
    assert answer.headers["content-encoding"] == "gzip", answer.headers
    assert json.loads(gzip.decompress(answer.text))["path"] == "/there?x=1"


def ip_restriction(edge, sdk, origin):
    url = sdk.bind("cidr", "http", origin.http_addr, deny_cidr="127.0.0.0/8")
    refused = edge.visit(url)
    assert refused.status == 403 and refused.headers["ngrok-error-code"] == "ERR_NGROK_3203"


def traffic_policy(edge, sdk, origin):
    rules = """
on_http_request:
  - expressions: ["'x-who' in req.headers"]
    actions:
      - type: custom-response
        config: { status_code: 418, body: "${req.headers['x-who'][0]}" }
"""
    url = sdk.bind("rules", "http", origin.http_addr, traffic_policy=rules)
    assert json.loads(edge.visit(url).text)["path"] == "/there?x=1"
    answer = edge.visit(url, headers={"x-who": "a teapot"})
    assert (answer.status, answer.text) == (418, b"a teapot"), answer.text
    wrong = sdk.call("bind", key="wrong", proto="http", to=origin.http_addr,
                     options={"traffic_policy": "on_http_request: [{actions: [{type: none}]}]"})
    assert "ERR_NGROK_9026" in json.dumps(wrong), wrong


def upstream_down(edge, sdk, origin):
    url = sdk.bind("down", "http", f"localhost:{free_port()}")
    assert edge.visit(url).status == 502


def taken_name(edge, sdk, origin):
    answer = sdk.call("bind", key="twice", proto="http", to=origin.http_addr, options={"domain": f"web.{DOMAIN}"})
    assert answer["code"] == "ERR_NGROK_334", answer


def closed(edge, sdk, origin):
    sdk.bind("gone", "http", origin.http_addr, domain=f"gone.{DOMAIN}")
    sdk.call("close", key="gone")
    answer = eventually("the closed endpoint is offline",
                        lambda: (a := edge.visit(edge.url("https", "gone"))).status == 404 and a)
    assert answer.headers["ngrok-error-code"] == "ERR_NGROK_3200", answer.headers


def restart(edge, sdk, origin):
    edge.stop()
    edge.start()
    began = time.monotonic()

    def back():
        return edge.visit(edge.url("https", "web")).status == 200

    eventually("the endpoint is back, at the same URL", back)
    print(f"     service {time.monotonic() - began:.2f} s after the edge", flush=True)


SCENARIOS = [https, plain_http, random_name, tcp, tls_terminated, basic_auth, headers_and_compression,
             ip_restriction, traffic_policy, upstream_down, taken_name, closed, restart]


def run(adit, name, command):
    """All scenarios with one SDK; the number that failed."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="adit-conformance.") as folder:
        edge, origin, sdk = Edge(adit, Path(folder)), Origin(), None
        try:
            bad = Driver(command)
            answer = bad.call("connect", server=f"localhost:{edge.tls}", ca=str(edge.ca), token="wrong")
            bad.end()
            ok = "ERR_NGROK_10" in json.dumps(answer)
            print(f"{'ok  ' if ok else 'FAIL'} {name}: bad_token {'' if ok else answer}", flush=True)
            failed += not ok

            sdk = Driver(command)
            answer = sdk.call("connect", server=f"localhost:{edge.tls}", ca=str(edge.ca), token=edge.token)
            assert "error" not in answer, answer
            for scenario in SCENARIOS:
                try:
                    scenario(edge, sdk, origin)
                    print(f"ok   {name}: {scenario.__name__}", flush=True)
                except (AssertionError, OSError, KeyError, TypeError) as error:
                    failed += 1
                    print(f"FAIL {name}: {scenario.__name__}: {error!r}", flush=True)
        finally:
            if sdk:
                sdk.end()
            edge.stop()
    return failed


def main():
    adit, *drivers = sys.argv[1:]
    failed = 0
    for driver in drivers:
        name, command = driver.split("=", 1)
        failed += run(adit, name, shlex.split(command))
    total = len(drivers) * (len(SCENARIOS) + 1)
    print(f"{total - failed} passed, {failed} failed")
    sys.exit(bool(failed))


main()
