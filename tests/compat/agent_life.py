"""What scripts and wrappers without a library rely on: `agent_life.py PATH-OF-NGROK`."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from life import (HTTP, SERVICE, TOKEN, WORK, ask, check, contains, equal, eventually, free_port,
                  run_checks, visit)

BINARY = sys.argv[1]
running = []


def file_of(name, text):
    path = Path(WORK) / name
    path.write_text(text)
    return str(path)


def web_file(more="", version="2"):
    port = free_port()
    text = f'version: "{version}"\nauthtoken: {TOKEN}\nweb_addr: 127.0.0.1:{port}\n{more}'
    return file_of(f"agent-{port}.yml", text), port


def start(*args, env=None, out=subprocess.PIPE, err=subprocess.PIPE):
    process = subprocess.Popen([BINARY, *args], stdout=out, stderr=err, stdin=subprocess.DEVNULL,
                               text=True, env={**os.environ, **(env or {})})
    running.append(process)
    return process


def end_all():
    while running:
        process = running.pop()
        process.kill()
        process.communicate()


def run(*args, env=None):
    return subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=30,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})


def lines_until(process, word, within=10):
    """The lines that it prints until one has the word."""
    lines, deadline = [], time.monotonic() + within
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if word in line:
            return lines
        assert time.monotonic() < deadline, lines
    raise AssertionError(f"it ended, and said: {lines}")


def words(line):
    return dict(word.split("=", 1) for word in shlex.split(line) if "=" in word)


@check("the version is printed as every wrapper parses it")
def _():
    for args in (["--version"], ["version"], ["-v"]):
        done = run(*args)
        assert re.fullmatch(r"ngrok version 3\.\d+\.\d+\n", done.stdout), done.stdout
        equal((done.returncode, done.stderr), (0, ""))


@check("a start in the background writes the three records in their order, and then the API answers")
def _():
    config, port = web_file()
    for args in (["--log", "stdout", "--config", config], ["--log=stdout", f"--config={config}"]):
        began = time.monotonic()
        process = start("start", "--none", *args)
        lines = lines_until(process, "tunnel session started")
        assert time.monotonic() - began < 2, "slower than 2 s"
        for path in ("/api/endpoints", "/api/tunnels"):
            equal(ask(f"http://127.0.0.1:{port}", path)[0], 200)
        records = [words(line) for line in lines]
        for line, record in zip(lines, records):
            assert record["t"] and record["lvl"] and record["msg"], line
            assert "line" not in record, line
            assert record["lvl"] not in ("eror", "crit"), line
        said = [record["msg"] for record in records]
        wanted = ["starting web service", "client session established", "tunnel session started"]
        equal([m for m in said if m in wanted], wanted)
        web = lines[said.index(wanted[0])]
        assert re.search(r"starting web service.*addr=(\d+\.\d+\.\d+\.\d+:\d+)", web), web
        equal(words(web)["obj"], "web")
        process.terminate()
        equal(process.wait(1), 0)
        equal(process.stderr.read(), "")


@check("localhost in web_addr is an IPv4 address in the record")
def _():
    port = free_port()
    config = file_of("localhost.yml", f'version: "2"\nauthtoken: {TOKEN}\nweb_addr: localhost:{port}\n')
    process = start("start", "--none", "--log", "stdout", "--config", config)
    contains(lines_until(process, "starting web service")[-1], f"addr=127.0.0.1:{port}")


@check("a deprecated flag is a record, and nothing is on standard error")
def _():
    config, _ = web_file()
    process = start("start", "--none", "--log=stdout", "--region=us", f"--config={config}")
    lines = lines_until(process, "tunnel session started")
    usage = [line for line in lines if "command usage" in line]
    contains(usage[0], "lvl=info", "Flag --region has been deprecated")
    process.terminate()
    process.wait(2)
    equal(process.stderr.read(), "")


@check("json: every line is an object, and the first addr is the web service's")
def _():
    config, port = web_file()
    process = start("http", str(SERVICE), "--log=stdout", "--log-format=json", f"--config={config}")
    records = [json.loads(line) for line in lines_until(process, "started tunnel")]
    first = next(record for record in records if "addr" in record)
    equal((first["msg"], first["addr"]), ("starting web service", f"127.0.0.1:{port}"))
    for record in records:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", record["t"]), record
        assert record["lvl"] in ("dbug", "info", "warn", "eror", "crit"), record
    opened = [record for record in records if record["msg"] == "open config file"]
    equal(opened[0]["err"], "<nil>")
    contains(records[-1]["url"], "https://")


@check("`started tunnel` ends with its url, and each visit is a record")
def _():
    config, _ = web_file()
    process = start("http", str(SERVICE), "--log=stdout", f"--config={config}")
    line = lines_until(process, "started tunnel")[-1]
    equal(list(words(line))[-1], "url")
    equal(words(line)["name"], "command_line")
    equal(visit(words(line)["url"])[0], 200)
    joined = words(lines_until(process, "join connections")[-1])
    assert joined["id"] and joined["obj"] == "join" and "l" in joined and "r" in joined, joined


@check("in the background without a log it is silent, and the API lists the endpoint")
def _():
    config, port = web_file()
    process = start("http", str(SERVICE), f"--config={config}")

    def listed():
        try:
            return ask(f"http://127.0.0.1:{port}", "/api/tunnels")[1]["tunnels"]
        except OSError:
            return None

    tunnel = eventually(listed)[0]
    equal(tunnel["name"], "command_line")
    equal(visit(tunnel["public_url"])[0], 200)
    process.terminate()
    out, err = process.communicate(timeout=2)
    equal((process.returncode, out, err), (0, "", ""))


@check("a taken web address ends it: words of the reference, crit, exit 1")
def _():
    config, port = web_file()
    lines_until(start("start", "--none", "--log=stdout", f"--config={config}"), "starting web service")
    done = run("start", "--none", "--log=stdout", f"--config={config}")
    equal(done.returncode, 1)
    contains(done.stdout, "lvl=crit", f"{port}: bind: address already in use")


@check("a file without version ends the start; one that holds only a version does not")
def _():
    for version in ('"2"', "'3'", "3"):
        config = file_of("only-version.yml", f"version: {version}\n")
        process = start("start", "--none", "--log=stdout", f"--config={config}",
                        env={"NGROK_AUTHTOKEN": TOKEN})
        lines_until(process, "tunnel session started")
        process.kill()
    done = run("start", "--none", "--log=stdout", "--config", file_of("none.yml", f"authtoken: {TOKEN}\n"))
    equal(done.returncode, 1)
    contains(done.stderr, "version", "config upgrade")
    contains(words(done.stdout.splitlines()[-1])["err"], "the version property is required")


@check("a wrong token: the code in err, on a line of its own in the block, exit 1")
def _():
    config = file_of("wrong.yml", f'version: "2"\nauthtoken: 2nonsense\nweb_addr: 127.0.0.1:{free_port()}\n')
    done = run("http", str(SERVICE), "--log=stdout", f"--config={config}")
    equal(done.returncode, 1)
    codes = [line for line in done.stderr.splitlines() if re.fullmatch(r"ERROR:  ERR_NGROK_\d+", line)]
    equal(len(codes), 1)
    bad = [words(line) for line in done.stdout.splitlines()]
    bad = [r for r in bad if r["lvl"] in ("eror", "crit") and "ERR_NGROK_" in r.get("err", "")]
    assert bad, done.stdout
    equal(words(done.stdout.splitlines()[-1])["msg"], "command failed")
    assert "2nonsense" not in done.stdout + done.stderr, "the token is told"
    for line in done.stderr.splitlines():
        assert line.startswith("ERROR:"), line


@check("several files: later ones win, and the token may have one of its own")
def _():
    port = free_port()
    first = file_of("first.yml", f'version: "2"\nweb_addr: 127.0.0.1:{port}\nauthtoken: 2wrong\n'
                    f"tunnels:\n  web: {{ proto: http, addr: {SERVICE} }}\n")
    second = file_of("second.yml", f"version: '3'\nagent:\n  authtoken: {TOKEN}\n")
    for args in (["--config", first, "--config", second, "start", "--all"],
                 [f"--config={first},{second}", "start", "web"]):
        process = start(*args, "--log=stdout")
        contains(lines_until(process, "started tunnel")[-1], "name=web")
        process.kill()
        process.wait()


@check("config check says so on standard output, and fails where there is no file")
def _():
    config, _ = web_file()
    done = run("config", "check", "--config", config)
    equal((done.returncode, done.stdout, done.stderr),
          (0, f"Valid configuration file at {config}\n", ""))
    assert run("config", "check", env={"HOME": WORK + "/nowhere"}).returncode == 1


@check("a POST right after the web service is there waits for the session, or is to be tried again")
def _():
    config, port = web_file()
    process = start("start", "--none", "--log=stdout", f"--config={config}")
    lines_until(process, "starting web service")
    body = {"name": "early", "addr": str(SERVICE), "proto": "http"}
    status, answer = ask(f"http://127.0.0.1:{port}", "/api/tunnels", "POST", body)
    if status == 503:
        equal(answer["details"]["err"], "a successful ngrok tunnel session has not yet been established")
        lines_until(process, "tunnel session started")
        status, answer = ask(f"http://127.0.0.1:{port}", "/api/tunnels", "POST", body)
    equal(status, 201)


@check("answers are compact, a slash at the end is nothing, HEAD works, /status needs nobody's name")
def _():
    config, port = web_file()
    process = start("http", str(SERVICE), "--log=stdout", f"--config={config}")
    lines_until(process, "started tunnel")
    api = f"http://127.0.0.1:{port}"
    curl = lambda *args: subprocess.run(["curl", "-sS", *args], capture_output=True, text=True).stdout
    contains(curl(api + "/api/tunnels"), '"public_url":"https://')
    equal(curl(api + "/api/tunnels/"), curl(api + "/api/tunnels"))
    assert ask(api, "/status")[0] == 200 and ask(api, "/", "HEAD")[0] in (200, 302)
    contains(curl("-i", "-H", "Host: evil.example", api + "/api/tunnels"), "401")
    contains(curl("-i", "-d", "name=a", api + "/api/tunnels"), "415")


@check("a lost session is told, and found again")
def _():
    # Through a door of its own, which can be shut.
    door_port, web = free_port(), free_port()
    door = lambda: subprocess.Popen([sys.executable, str(Path(__file__).with_name("door.py")),
                                     str(door_port), os.environ["TLS"]])
    first = door()
    config = file_of("door.yml", f'version: "2"\nauthtoken: {TOKEN}\nweb_addr: 127.0.0.1:{web}\n')
    try:
        process = start("start", "--none", "--log=stdout", f"--config={config}",
                        env={"NGROK_CONNECT_URL": f"localhost:{door_port}"})
        lines_until(process, "tunnel session started")
        first.kill()
        first.wait()
        lost = lines_until(process, "session closed, starting reconnect loop")[-1]
        equal(words(lost)["lvl"], "eror")
        second = door()
        try:
            lines_until(process, "client session established", 20)
        finally:
            second.kill()
            second.wait()
    finally:
        first.kill()
        first.wait()


@check("the id on an error page is the one in the log")
def _():
    config, _ = web_file()
    process = start("http", str(free_port()), "--log=stdout", f"--config={config}")
    url = words(lines_until(process, "started tunnel")[-1])["url"]
    status, page, _ = visit(url, headers={"accept": "text/html", "user-agent": "Mozilla/5.0"})
    equal(status, 502)
    contains(page, "ERR_NGROK_8012")
    found = re.search(r"[0-9a-f]{16}", page)
    assert found, page
    record = words(lines_until(process, found[0])[-1])
    equal((record["id"], record["status"]), (found[0], "502"))


@check("no record has a secret in it, at any level")
def _():
    config, _ = web_file()
    secrets = {"token": TOKEN, "password": "correct-horse", "pair": "YW5uOmNvcnJlY3QtaG9yc2U=",
               "cookie": "crumbs-of-a-session", "query": "key-in-a-query"}
    process = start("http", str(SERVICE), "--log=stdout", "--log-level=debug", f"--config={config}",
                    "--basic-auth", f"ann:{secrets['password']}", "--authtoken", TOKEN)
    lines = lines_until(process, "started tunnel")
    url = words(lines[-1])["url"]
    headers = {"authorization": f"Basic {secrets['pair']}", "cookie": f"a={secrets['cookie']}"}
    equal(visit(url, f"/?secret={secrets['query']}", headers=headers)[0], 200)
    equal(visit(url)[0], 401)
    process.terminate()
    out, err = process.communicate(timeout=5)
    said = "\n".join(lines) + out + err
    assert "join connections" in said
    for name, secret in secrets.items():
        assert secret not in said, (name, next(line for line in said.splitlines() if secret in line))


@check("SIGINT and SIGTERM end it with 0 within a second")
def _():
    for sent in (signal.SIGINT, signal.SIGTERM):
        config, _ = web_file()
        process = start("http", str(SERVICE), "--log=stdout", f"--config={config}")
        lines_until(process, "started tunnel")
        began = time.monotonic()
        process.send_signal(sent)
        out, err = process.communicate(timeout=5)
        equal((process.returncode, err), (0, ""))
        assert time.monotonic() - began < 1
        contains(out, "received stop request")


run_checks(after=end_all)
