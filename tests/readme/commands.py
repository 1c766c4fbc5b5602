#!/usr/bin/env python3
"""Runs every command that the README and the guides show, in their order, as they stand there. Only
ports, the token and the paths of a server are put in place of those that a reader has.

    tests/readme/commands.py PATH-OF-ADIT

A command that is shown and not known here fails, and so does one that is known and not shown anywhere.
The commands of policies need a compiler for them: see tests/wasm/install.
"""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
ADIT = os.path.realpath(sys.argv[1])
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DEADLINE = 120
known = []


def shown():
    """Every command of every page: where, and the whole of it."""
    for page in PAGES:
        inside, command, first = False, "", 0
        for n, line in enumerate(page.read_text().splitlines(), 1):
            if line.strip().startswith("```"):
                inside = line.strip() in ("```sh", "```bash", "```console") and not inside
                continue
            if not inside or not line.strip():
                continue
            command, first = (command, first) if command else ("", n)
            command += line.strip().removesuffix("\\")
            if not line.rstrip().endswith("\\"):
                yield f"{page.name}:{first}", re.sub(r"\s+#\s.*$", "", re.sub(r"  +", " ", command)).strip()
                command = ""


def command(pattern):
    """Says what has to be true of a command that looks like this."""

    def declare(function):
        known.append([re.compile(pattern), function, 0])
        return function

    return declare


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    address_family = socket.AF_INET

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b"hello from the service"
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = answer

    def log_message(self, *_):
        pass

    def address_string(self):
        return "somebody"


class UnixServer(ThreadingHTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self):
        self.socket.bind(self.server_address)


def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class World:
    """A reader's machine: a home, services, and what the commands before have left."""

    def __init__(self, work):
        self.work, self.dir, self.running = Path(work), Path(work) / "here", []
        self.dir.mkdir()
        (self.work / "bin").mkdir()
        (self.work / "bin" / "adit").symlink_to(ADIT)
        self.log, self.web = self.work / "log", f"127.0.0.1:{free_port()}"
        self.home = self.work / "home"
        self.file = self.home / ".config/adit/adit.yml"
        self.file.parent.mkdir(parents=True)
        self.write("")
        keep = ("CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "RUSTC", "ADIT_POLICY_RUSTC", "CARGO_TARGET_DIR")
        self.env = {name: os.environ[name] for name in keep if name in os.environ}
        self.env.update(HOME=str(self.home), PATH=f"{self.work}/bin:{os.environ['PATH']}")
        # A cargo that rustup manages looks for itself in the home that it was installed in.
        for name, where in (("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")):
            if (Path.home() / where).is_dir():
                self.env.setdefault(name, str(Path.home() / where))
        self.service = serve(ThreadingHTTPServer(("127.0.0.1", 0), Service)).server_port
        self.socket = f"{self.work}/app.sock"
        serve(UnixServer(self.socket, Service))
        self.cert, self.key = self.dir / "cert.pem", self.dir / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", self.key, "-out", self.cert], check=True, stderr=subprocess.DEVNULL)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.cert, self.key)
        secure = ThreadingHTTPServer(("127.0.0.1", 0), Service)
        secure.socket = tls.wrap_socket(secure.socket, server_side=True)
        self.secure = serve(secure).server_port
        self.token = self.edge = None

    def write(self, more):
        self.file.write_text(f"version: 3\nagent:\n  log: {self.log}\n  web_addr: {self.web}\n{more}")

    def runs(self, text):
        """Runs a command to its end; what it prints."""
        done = subprocess.run(["bash", "-ec", text], cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, f"exit {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def starts(self, text, n=1):
        """Starts a command that goes on; the URLs of its endpoints."""
        self.end()
        self.log.unlink(missing_ok=True)
        out = open(self.work / "out", "w")
        process = subprocess.Popen(["bash", "-ec", f"exec {text}"], cwd=self.dir, env=self.env,
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self.running.append(process)
        deadline = time.monotonic() + DEADLINE
        while True:
            said = self.log.read_text() if self.log.exists() else ""
            urls = re.findall(r'msg="started tunnel".* url=(\S+)', said)
            if len(urls) >= n:
                return urls
            ended = process.poll() is not None
            assert not ended and time.monotonic() < deadline, (self.work / "out").read_text() + said
            time.sleep(0.02)

    def end(self):
        for process in self.running:
            process.terminate()
            assert process.wait(10) == 0, "it does not end with 0"
        self.running.clear()


def visit(url, path="/", host=None, method="GET"):
    """Status and body at a URL of this machine."""
    parts = urlsplit(url)
    connection = HTTPConnection("127.0.0.1", parts.port or 80, timeout=10)
    connection.request(method, path, headers={"host": host or parts.netloc})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def visit_tls(port, name, trust, is_named=True):
    """The answer's first line, behind a TLS session with a certificate that must be trusted."""
    context = ssl.create_default_context(cafile=trust)
    context.check_hostname = is_named
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname=name) as s:
        s.sendall(f"GET / HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n".encode())
        return s.recv(4096).split(b"\r\n")[0].decode()


def equal(left, right):
    assert left == right, f"{left!r} is not {right!r}"


HELLO = (200, "hello from the service")


@command(r"cargo run --release -- http file://\$PWD")
def _(world, text):
    pass  # tests/readme/run does it, with the binary that is given


@command(r"cargo test --workspace")
def _(world, text):
    ci = (ROOT / ".ci/run").read_text()
    assert "README.md | grep -m1 '^cargo test'" in ci, "the checks do not run it"


@command(r"adit http 8080")
def _(world, text):
    equal(visit(world.starts(text.replace("8080", str(world.service)))[0]), HELLO)


@command(r"adit http https://localhost:8443")
def _(world, text):
    equal(visit(world.starts(text.replace("8443", str(world.secure)))[0]), HELLO)


@command(r"adit http unix:/run/app.sock")
def _(world, text):
    equal(visit(world.starts(text.replace("/run/app.sock", world.socket))[0]), HELLO)


@command(r"adit tcp 22")
def _(world, text):
    url = world.starts(text.replace("22", str(world.service)))[0]
    assert url.startswith("tcp://"), url
    equal(visit(url), HELLO)


@command(r"adit tls 443 --terminate-at agent --crt cert.pem --key key.pem")
def _(world, text):
    url = urlsplit(world.starts(text.replace("443", str(world.service)))[0])
    equal(visit_tls(url.port, url.hostname, world.cert, is_named=False), "HTTP/1.1 200 OK")


@command(r"adit http 3000 --basic-auth .* --cidr-allow 192.0.2.0/24 .*")
def _(world, text):
    text = text.replace("3000", str(world.service))
    # Nobody here is from that network.
    equal(visit(world.starts(text)[0])[0], 403)
    url = world.starts(text.replace("192.0.2.0/24", "127.0.0.0/8"))[0]
    equal(visit(url)[0], 401)


@command(r"adit inspect (list|show|replay|tail|export) .*")
def _(world, text):
    url = world.starts(f"adit http {world.service}")[0]
    visit(url, "/broken")
    deadline = time.monotonic() + 10
    while "/broken" not in world.runs("adit inspect list"):
        assert time.monotonic() < deadline
    if "tail" in text:
        tail = subprocess.Popen(["bash", "-ec", f"exec {text}"], cwd=world.dir, env=world.env,
                                stdout=subprocess.PIPE, text=True)
        try:
            while True:
                threading.Timer(0.3, visit, (url, "/tailed")).start()
                line = tail.stdout.readline()
                if "/tailed" in line:
                    json.loads(line)
                    break
        finally:
            tail.terminate()
            tail.wait()
        return
    said = world.runs(text)
    if "export" in text:
        har = json.loads((world.dir / "traffic.har").read_text())
        equal(har["log"]["version"], "1.2")
    else:
        assert "/broken" in said or "replay" in text, said
    if "replay" in text:
        assert "PUT" in world.runs("adit inspect list"), said


@command(r"curl -s http://127.0.0.1:4040/api/tunnels")
def _(world, text):
    world.starts(f"adit http {world.service}")
    said = json.loads(world.runs(text.replace("127.0.0.1:4040", world.web)))
    equal([tunnel["name"] for tunnel in said["tunnels"]], ["command_line"])


@command(r"adit config add-authtoken 2pX\.\.\.")
def _(world, text):
    assert "Authtoken saved" in world.runs(text)
    assert "2pX..." in world.file.read_text()


@command(r"adit config check")
def _(world, text):
    assert "Valid configuration file" in world.runs(text)


@command(r"adit config schema > adit.schema.json")
def _(world, text):
    world.runs(text)
    assert json.loads((world.dir / "adit.schema.json").read_text())["title"]


def with_endpoint(world, name):
    world.write(f"endpoints:\n  - {{ name: {name}, upstream: {{ url: {world.service} }} }}\n")


@command(r"adit explain")
def _(world, text):
    with_endpoint(world, "web")
    assert "TLS" in world.runs(text)


@command(r"adit explain web --config adit.yml")
def _(world, text):
    (world.dir / "adit.yml").write_text("version: 3\nendpoints: [{ name: web, upstream: { url: 1 } }]\n")
    assert "http://localhost:1" in world.runs(text)


def policy(world):
    text = "on_http_request:\n- actions:\n  - type: custom-response\n    config: { body: by the rules }\n"
    (world.dir / "policy.yml").write_text(text)


@command(r"adit http 8080 --traffic-policy-file policy.yml")
def _(world, text):
    policy(world)
    equal(visit(world.starts(text.replace("8080", str(world.service)))[0]), (200, "by the rules"))


@command(r"adit http 8080 --traffic-policy-url https://example.com/policy.yml")
def _(world, text):
    policy(world)
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {
        "log_message": lambda *_: None,
        "__init__": lambda self, *args: SimpleHTTPRequestHandler.__init__(self, *args, directory=world.dir)})
    port = serve(ThreadingHTTPServer(("127.0.0.1", 0), handler)).server_port
    text = text.replace("8080", str(world.service)).replace("https://example.com", f"http://127.0.0.1:{port}")
    equal(visit(world.starts(text)[0]), (200, "by the rules"))


@command(r"adit explain --json")
def _(world, text):
    with_endpoint(world, "web")
    equal(json.loads(world.runs(text))["endpoints"][0]["name"], "web")


@command(r"adit http 8080 --log stdout")
def _(world, text):
    agent = subprocess.Popen(["bash", "-ec", "exec " + text.replace("8080", str(world.service))], cwd=world.dir,
                             env=world.env, stdout=subprocess.PIPE, text=True)
    try:
        assert any('msg="started tunnel"' in line for line in agent.stdout)
    finally:
        agent.terminate()
        agent.communicate()


@command(r"adit http 8080 --log adit.log --log-format json --log-level debug")
def _(world, text):
    log = world.dir / "adit.log"
    agent = subprocess.Popen(["bash", "-ec", "exec " + text.replace("8080", str(world.service))], cwd=world.dir,
                             env=world.env, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not log.exists() or '"msg":"started tunnel"' not in log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        agent.terminate()
        agent.wait()
    for line in log.read_text().splitlines():
        json.loads(line)


@command(r"adit http file:///srv/www")
def _(world, text):
    (world.dir / "index.html").write_text("an index")
    url = world.starts(text.replace("/srv/www", str(world.dir)))[0]
    equal(visit(url), (200, "an index"))


@command(r"adit start --all --watch")
def _(world, text):
    with_endpoint(world, "web")
    equal(visit(world.starts(text)[0]), HELLO)
    with_endpoint(world, "other")
    deadline = time.monotonic() + 10
    while "name=other" not in world.log.read_text():
        assert time.monotonic() < deadline, world.log.read_text()
        time.sleep(0.02)


@command(r"adit config reload")
def _(world, text):
    with_endpoint(world, "web")
    world.starts("adit start --all")
    with_endpoint(world, "other")
    said = world.runs(text)
    assert re.search(r"Added +other", said) and re.search(r"Removed +web", said), said


@command(r"adit policy new key-limit && cd key-limit")
def _(world, text):
    if world.dir.name == "key-limit":
        world.dir = world.dir.parent
    if not (world.dir / "key-limit").exists():
        world.runs(text)
    world.dir /= "key-limit"
    (world.dir / "config.json").write_text('{"burst": 1, "per_ms": 60000}')


@command(r"adit policy test( && adit policy build)?")
def _(world, text):
    world.runs(text)


@command(r"adit http 8080 --policy ./key-limit.wasm=config.json --watch")
def _(world, text):
    url = world.starts(text.replace("8080", str(world.service)))[0]
    assert visit(url)[0] in (200, 401, 429), visit(url)


@command(r"adit policy run -H 'x-api-key: ann' /")
def _(world, text):
    assert "verdict" in world.runs(text)


@command(r"adit policy run -- 8080")
def _(world, text):
    equal(visit(world.starts(text.replace("8080", str(world.service)))[0])[0] in (200, 401, 429), True)


@command(r"adit edge token --id laptop")
def _(world, text):
    said = world.runs(text)
    world.token = re.search(r"^token: *(\S+)", said, re.M)[1]
    world.hash = re.search(r"hash: *(\S+)", said)[1]


@command(r"adit edge --config edge.yml")
def _(world, text):
    page = (ROOT / "README.md").read_text()
    made = re.search(r"```yaml\n( *domain: tunnel.example.com\n.*?)```", page, re.S)[1]
    made = re.sub(r"^   ", "", made, flags=re.M)
    made = re.sub(r"sha256:\.\.\..*", world.hash, made).replace("/var/lib/adit", f"{world.work}/state")
    world.edge = free_port()
    ports = f"tls_addr: 127.0.0.1:{world.edge}\nhttp_addr: 127.0.0.1:{free_port()}\nconnect_host: localhost\n"
    (world.dir / "edge.yml").write_text(made + ports)
    world.end()
    out = open(world.work / "edge", "w")
    process = subprocess.Popen(["bash", "-ec", f"exec {text}"], cwd=world.dir, env=world.env,
                               stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    world.served = process
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", world.edge)).close()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, (world.work / "edge").read_text()
            time.sleep(0.02)


@command(r"adit edge ca --config edge.yml > edge-ca.pem")
def _(world, text):
    world.runs(text)
    assert "BEGIN CERTIFICATE" in (world.dir / "edge-ca.pem").read_text()


@command(r"adit http 8080 --url https://app.tunnel.example.com --connect-url .* --authtoken 2pX\.\.\.")
def _(world, text):
    text = text.replace("8080", str(world.service)).replace("2pX...", world.token)
    text = text.replace("connect.tunnel.example.com:443", f"localhost:{world.edge}")
    world.starts(text)
    answer = visit_tls(world.edge, "app.tunnel.example.com", world.dir / "edge-ca.pem")
    equal(answer, "HTTP/1.1 200 OK")
    world.end()
    world.served.terminate()
    equal(world.served.wait(10), 0)


def main():
    failed = passed = 0
    can_compile = "ADIT_POLICY_RUSTC" in os.environ or "--with-policies" in sys.argv
    with tempfile.TemporaryDirectory() as work:
        world = World(work)
        for place, text in shown():
            found = next((entry for entry in known if entry[0].fullmatch(text)), None)
            if found is None:
                failed += 1
                print(f" ! {place}: {text}\n     is shown and not tried; say here what shall be true of it")
                continue
            found[2] += 1
            if ("adit policy" in text or "--policy" in text) and not can_compile:
                print(f"   {place}: {text}: left out, without a compiler for policies")
                continue
            began = time.monotonic()
            try:
                found[1](world, text)
                passed += 1
                print(f"   {place}: {text} ({time.monotonic() - began:.1f}s)", flush=True)
            except Exception as error:  # whatever went wrong, the others are tried
                failed += 1
                print(f" ! {place}: {text}\n     {type(error).__name__}: {error}", flush=True)
            finally:
                try:
                    world.end()
                except AssertionError as error:
                    failed += 1
                    print(f" ! {place}: {text}\n     {error}")
        if served := getattr(world, "served", None):
            served.kill()
            served.wait()
    for pattern, _, n in known:
        if n == 0:
            failed += 1
            print(f" ! nobody shows {pattern.pattern}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
