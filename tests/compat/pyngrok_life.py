"""The life of pyngrok: `pyngrok_life.py PATH-OF-NGROK VERSION`, in an environment that has it."""

import logging
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import yaml
from pyngrok import agent, conf, ngrok
from pyngrok.conf import PyngrokConfig
from pyngrok.exception import PyngrokNgrokError, PyngrokNgrokHTTPError

from life import (SERVICE, TOKEN, WORK, ask, check, contains, equal, eventually, free_port,
                  origin, run_checks, visit, visit_tcp)

logging.getLogger("pyngrok").addHandler(logging.NullHandler())
BINARY, VERSION = sys.argv[1], sys.argv[2]
MAJOR = int(VERSION.split(".")[0])
# Before 8.1 the endpoints of version 3 are not known to it.
HAS_ENDPOINTS = MAJOR >= 8
count = 0
# What the client's own tests send: maps where there have to be lists.
MALFORMED = {"on_http_request": {"name": "n", "expressions": "e", "actions": {"type": "t", "config": "c"}}}


def config(written=None, **more):
    """A configuration of its own, in a file that holds what the client writes into a new one."""
    global count
    count += 1
    path = Path(WORK) / f"{VERSION}-{count}" / "deep" / "ngrok.yml"
    version = more.get("config_version", "3" if MAJOR >= 9 else "2")
    port = free_port()
    inner = {"web_addr": f"127.0.0.1:{port}", **(written or {})}
    agent = {k: v for k, v in inner.items() if k not in ("tunnels", "endpoints")}
    rest = {k: v for k, v in inner.items() if k in ("tunnels", "endpoints")}
    text = {"version": version, "agent": agent, **rest} if version == "3" else {"version": version, **inner}
    path.parent.mkdir(parents=True)
    path.write_text(yaml.dump(text))
    more.setdefault("auth_token", TOKEN)
    if MAJOR >= 8:
        more["config_version"] = version
    else:
        more.pop("config_version", None)
    made = PyngrokConfig(ngrok_path=BINARY, config_path=str(path), **more)
    made.port = port
    return made


def end():
    for path in list(ngrok.process._current_processes):
        ngrok.kill(PyngrokConfig(ngrok_path=path))


def connect(made, addr=None, proto=None, **options):
    return ngrok.connect(addr, proto, pyngrok_config=made, **options)


def refused(made, *args, **options):
    try:
        tunnel = connect(made, *args, **options)
    except PyngrokNgrokHTTPError as error:
        return error
    raise AssertionError(f"accepted: {tunnel.data}")


def api(made):
    return ngrok.get_ngrok_process(made).api_url


@check("its version begins with 3")
def _():
    version, _ = ngrok.get_version(PyngrokConfig(ngrok_path=BINARY))
    assert re.fullmatch(r"3\.\d+\.\d+", version), version


@check("token and key go into a file whose directory does not exist")
def _():
    path = Path(WORK) / f"{VERSION}-new" / "a" / "ngrok.yml"
    made = PyngrokConfig(ngrok_path=BINARY, config_path=str(path))
    ngrok.set_auth_token("some-auth-token", made)

    def settings():
        # Older clients write the file themselves first, with the version that they know.
        written = yaml.safe_load(path.read_text())
        return written["agent"] if str(written["version"]) == "3" else written

    equal(settings()["authtoken"], "some-auth-token")
    ngrok.set_auth_token("another-token", made)
    equal(settings()["authtoken"], "another-token")
    ngrok.set_api_key("some-key", made)
    equal((settings()["api_key"], settings()["authtoken"]), ("some-key", "another-token"))
    equal(path.stat().st_mode & 0o777, 0o600)


@check("connect gives an https URL at which the service is, and the tunnel as the client knows it")
def _():
    made = config()
    tunnel = connect(made, str(SERVICE))
    assert tunnel.public_url.startswith("https://"), tunnel.public_url
    equal(tunnel.config["addr"], f"http://localhost:{SERVICE}")
    equal(tunnel.proto, "https")
    assert tunnel.id and tunnel.uri and tunnel.metrics["http"]["count"] == 0, tunnel.data
    status, body, _ = visit(tunnel.public_url, "/a?b=c")
    equal(status, 200)
    contains(body, '"/a?b=c"')
    listed = ngrok.get_tunnels(made)
    equal([t.name for t in listed], [tunnel.name])
    equal(listed[0].public_url, tunnel.public_url)


@check("what was visited is captured, counted and replayed")
def _():
    made = config()
    tunnel = connect(made, str(SERVICE), name="x (http)")
    equal(tunnel.name, "x (http)")
    visit(tunnel.public_url, "/captured")
    where = f"{api(made)}/api/requests/http"
    listed = lambda: ngrok.api_request(where, "GET")["requests"]
    eventually(lambda: len(listed()) == 1 and listed()[0]["response"], 3)
    entry = listed()[0]
    equal(entry["tunnel_name"], tunnel.name)
    for key in ("id", "uri", "duration", "request", "response"):
        assert entry[key] is not None, (key, entry)
    equal(ngrok.api_request(where, "GET", params={"tunnel_name": "unknown"})["requests"], [])
    equal(len(ngrok.api_request(where, "GET", params={"tunnel_name": tunnel.name})["requests"]), 1)
    ngrok.api_request(where, "POST", {"id": entry["id"], "tunnel_name": None})
    two = sorted(listed(), key=lambda e: e["id"])
    equal([e["id"] for e in two][0], entry["id"])
    equal(len(two), 2)
    equal(ask(api(made), f"/api/requests/http/{entry['id']}")[0], 200)
    eventually(lambda: (tunnel.refresh_metrics(), tunnel.metrics["http"]["count"])[1] > 0, 3)
    ngrok.api_request(where, "DELETE")
    equal(listed(), [])


@check("a request is replayed through the tunnel that is named, and through none that is not there")
def _():
    made = config()
    one, two = (connect(made, str(SERVICE), name=name) for name in ("one", "two (2)"))
    visit(one.public_url, "/captured")
    listed = lambda: agent.get_requests(pyngrok_config=made)
    eventually(lambda: len(listed()) == 1 and listed()[0].response, 3)
    first = listed()[0]
    agent.replay_request(first.id, tunnel_name=two.name, pyngrok_config=made)
    equal(sorted((r.tunnel_name, r.request["uri"]) for r in listed()),
          [("one", "/captured"), ("two (2)", "/captured")])
    try:
        agent.replay_request(first.id, tunnel_name="nobody", pyngrok_config=made)
    except PyngrokNgrokHTTPError as error:
        equal(error.status_code, 404)
    else:
        raise AssertionError("it was replayed somewhere")
    equal(len(listed()), 2)


@check("disconnect takes the tunnel away, and nothing else")
def _():
    made = config()
    one, two = connect(made, str(SERVICE)), connect(made, str(SERVICE), "tcp")
    ngrok.disconnect(one.public_url, made)
    equal([t.name for t in ngrok.get_tunnels(made)], [two.name])
    equal(ask(api(made), one.uri)[0], 404)
    assert visit(one.public_url)[0] >= 400
    ngrok.disconnect(two.public_url, made)
    equal(ngrok.get_tunnels(made), [])
    ngrok.disconnect("https://never.example", made)


@check("tcp gives an address that is reached")
def _():
    made = config()
    tunnel = connect(made, str(SERVICE), "tcp")
    assert re.fullmatch(r"tcp://[^:/]+:\d+", tunnel.public_url), tunnel.public_url
    equal(tunnel.proto, "tcp")
    equal(tunnel.config["addr"], f"localhost:{SERVICE}" if MAJOR != 8 or made.config_version == "2"
          else tunnel.config["addr"])
    equal(visit_tcp(tunnel.public_url), 200)


@check("tls tunnels have the addresses that tests of the client expect")
def _():
    made = config(config_version="2")
    tunnel = connect(made, "443", "tls")
    equal(tunnel.config["addr"], "tls://localhost:443")
    assert tunnel.public_url.startswith("tls://"), tunnel.public_url
    equal(connect(made, "80", "tls").config["addr"], "localhost:80")


@check("a directory is served")
def _():
    made = config()
    tunnel = connect(made, "file:///")
    equal(tunnel.config["addr"], "file:///")
    equal(visit(tunnel.public_url)[0], 200)


@check("schemes make one tunnel or two, and one of two can go alone")
def _():
    made = config(config_version="2")
    both = connect(made, str(SERVICE), schemes=["http", "https"])
    assert both.public_url.startswith("https://"), both.public_url
    listed = {t.name: t for t in ngrok.get_tunnels(made)}
    equal(sorted(listed), [both.name, both.name + " (http)"])
    twin = listed[both.name + " (http)"]
    equal(origin(twin.public_url), "http" + origin(both.public_url)[5:])
    assert twin.uri.endswith("%20%28http%29"), twin.uri
    equal(visit(twin.public_url)[0], 200)
    ngrok.disconnect(both.public_url, made)
    equal([t.name for t in ngrok.get_tunnels(made)], [twin.name])
    ngrok.disconnect(twin.public_url, made)
    plain = connect(made, str(SERVICE), schemes=["http"])
    assert plain.public_url.startswith("http://"), plain.public_url
    old = connect(made, str(SERVICE), bind_tls=True)
    assert old.public_url.startswith("https://"), old.public_url


@check("a subdomain stands below the edge's domain; hostname and domain are honoured")
def _():
    made = config(config_version="2")
    inner = connect(made, str(SERVICE), subdomain="inner")
    equal(origin(inner.public_url), "https://inner.tunnel.example.com")
    for key in ("domain", "hostname"):
        tunnel = connect(made, str(SERVICE), **{key: f"{key}.tunnel.example.com"})
        equal(origin(tunnel.public_url), f"https://{key}.tunnel.example.com")


@check("an internal name needs no rule, and no visitor reaches it")
def _():
    made = config(config_version="2")
    tunnel = connect(made, str(SERVICE), domain="pyngrok.internal", pooling_enabled=True)
    equal(origin(tunnel.public_url), "https://pyngrok.internal")
    equal(visit("http://pyngrok.internal")[0], 404)


@check("basic auth of version 2 is asked for")
def _():
    made = config(config_version="2")
    tunnel = connect(made, str(SERVICE), auth="username:password")
    equal(visit(tunnel.public_url)[0], 401)
    let_in = {"authorization": "Basic dXNlcm5hbWU6cGFzc3dvcmQ="}
    equal(visit(tunnel.public_url, headers=let_in)[0], 200)


@check("mistakes of version 2 are refused one by one, and the process lives on")
def _():
    made = config(config_version="2")
    error = refused(made, str(SERVICE), "invalid-proto")
    equal(error.status_code, 400)
    contains(error.body, "invalid tunnel configuration", "protocol name", '"error_code":102')
    for options in (
        {"ip_restriction": {"allow_cidrs": ["allowed"]}},
        {"circuit_breaker": 20},
        {"basic_auth": ["short:1"]},
        {"no_such_key": 1},
        {"traffic_policy": MALFORMED},
        {"verify_webhook": {"provider": "nobody", "secret": "secret"}},
        {"domain": "a.tunnel.example.com", "subdomain": "a"},
    ):
        assert refused(made, str(SERVICE), **options).status_code in (400, 502), options
    taken = connect(made, str(SERVICE), subdomain="taken", name="taken")
    error = refused(made, str(SERVICE), subdomain="taken")
    equal(error.status_code, 502)
    contains(error.body, '"msg":"failed to start tunnel"', '"error_code":103', "ERR_NGROK_334")
    error = refused(made, str(SERVICE), name="taken")
    equal(error.status_code, 400)
    equal(visit(taken.public_url)[0], 200)
    equal(ngrok.get_ngrok_process(made).proc.poll(), None)


@check("a traffic policy holds, from a file and from a definition")
def _():
    rules = {"on_http_request": [{"actions": [{"type": "custom-response", "config": {"body": "ours"}}]}]}
    written = {"tunnels": {"ruled": {"proto": "http", "addr": str(SERVICE), "traffic_policy": rules}}}
    made = config(written, config_version="2")
    equal(visit(connect(made, name="ruled").public_url)[:2], (200, "ours"))
    equal(visit(connect(made, str(SERVICE), traffic_policy=rules).public_url)[:2], (200, "ours"))


@check("keys of version 2 are refused where endpoints are made", HAS_ENDPOINTS)
def _():
    made = config(config_version="3")
    for options in ({"basic_auth": ["username:password"]}, {"proxy_proto": "1"}, {"subdomain": "a"}):
        assert refused(made, str(SERVICE), **options).status_code == 400, options
    equal(ngrok.get_tunnels(made), [])
    tunnel = connect(made, str(SERVICE))
    equal(tunnel.upstream["url"], f"http://localhost:{SERVICE}")


@check("a name of the file is taken; with -api behind it, it is free")
def _():
    version = "3" if HAS_ENDPOINTS else "2"
    written = ({"endpoints": [{"name": "mine", "upstream": {"url": f"http://localhost:{SERVICE}"}}]}
               if version == "3" else {"tunnels": {"mine": {"proto": "http", "addr": SERVICE}}})
    made = config(written, config_version=version)
    tunnel = connect(made, name="mine")
    equal(tunnel.name, "mine-api")
    equal(visit(tunnel.public_url)[0], 200)
    body = ({"name": "mine", "upstream": {"url": "http://localhost:1"}} if version == "3"
            else {"name": "mine", "addr": "1", "proto": "http"})
    status, error = ask(api(made), "/api/endpoints" if version == "3" else "/api/tunnels", "POST", body)
    equal((status, error["error_code"]), (400, 102))


@check("a file with nonsense in values that matter later starts")
def _():
    written = {"tunnels": {"bad": {"proto": "http", "addr": 80, "circuit_breaker": 20,
                                   "traffic_policy": MALFORMED, "oauth": {"provider": "nobody"},
                                   "ip_restriction": {"allow_cidrs": ["allowed"]}}}}
    equal(ngrok.get_tunnels(config(written, config_version="2")), [])


@check("a wrong token ends the start with its code")
def _():
    try:
        connect(config(auth_token="2wrong_token"), str(SERVICE))
    except PyngrokNgrokError as error:
        code = re.search(r"ERR_NGROK_\d+", error.ngrok_error)
        assert code and code[0] in ("ERR_NGROK_105", "ERR_NGROK_107", "ERR_NGROK_4018"), error
        equal(getattr(error, "ngrok_error_code", code[0]), code[0])
        return
    raise AssertionError("started")


@check("a web address that is taken ends the start and says so")
def _():
    first = config()
    ngrok.get_ngrok_process(first)
    second = PyngrokConfig(ngrok_path=BINARY + "-2", config_path=first.config_path, auth_token=TOKEN)
    os.symlink(BINARY, second.ngrok_path) if not os.path.lexists(second.ngrok_path) else None
    try:
        ngrok.get_ngrok_process(second)
    except PyngrokNgrokError as error:
        contains(str(error.ngrok_error), f"{first.port}: bind: address already in use")
        return
    raise AssertionError("started")


@check("a killed process frees its port for the next one at once; SIGTERM ends it within a second")
def _():
    made = config()
    process = ngrok.get_ngrok_process(made)
    ngrok.kill(made)
    again = ngrok.get_ngrok_process(made)
    equal(again.api_url, process.api_url)
    began = time.monotonic()
    again.proc.terminate()
    equal(again.proc.wait(5), 0)
    assert time.monotonic() - began < 1, time.monotonic() - began


@check("its log is read: no errors, six records and more, every line whole")
def _():
    made = config()
    tunnel = connect(made, str(SERVICE))
    visit(tunnel.public_url)
    process = ngrok.get_ngrok_process(made)
    eventually(lambda: len(process.logs) >= 6, 3)
    before = len(process.logs)
    visit(tunnel.public_url)
    eventually(lambda: len(process.logs) > before, 3)
    for log in process.logs:
        assert log.t and log.lvl in ("INFO", "DEBUG", "WARNING", "NOTSET") and log.msg, log.line
    said = [log.msg for log in process.logs]
    order = [said.index(m) for m in ("starting web service", "client session established",
                                     "tunnel session started")]
    equal(order, sorted(order))


@check("log that nobody reads stalls nothing")
def _():
    made = config(monitor_thread=False)
    tunnel = connect(made, str(SERVICE))
    path = "/" + "long" * 200
    for _ in range(1500):
        equal(ask(api(made), path)[0], 404)
    equal(visit(tunnel.public_url)[0], 200)
    equal(len(ngrok.get_tunnels(made)), 1)


@check("the agent's own page is served through a tunnel, and a record is written for it")
def _():
    made = config()
    process = ngrok.get_ngrok_process(made)
    tunnel = connect(made, str(made.port))
    equal(ask(process.api_url, "/api/status")[1]["status"], "online")
    before = len(process.logs)
    for path in ("/status", "/api/status"):
        equal(visit(tunnel.public_url, path)[0], 200)
    eventually(lambda: len(process.logs) > before, 3)


@check("a region is accepted")
def _():
    made = config(region="us")
    assert connect(made, str(SERVICE)).public_url.startswith("https://")


@check("the defaults of the client do: only a version in the file, all else in the environment")
def _():
    path = Path(WORK) / f"{VERSION}-bare.yml"
    path.write_text(f"version: '{3 if MAJOR >= 9 else 2}'\n")
    os.environ["NGROK_AUTHTOKEN"] = TOKEN
    try:
        made = PyngrokConfig(ngrok_path=BINARY, config_path=str(path))
        made.auth_token = None
        assert connect(made, str(SERVICE)).public_url.startswith("https://")
    finally:
        del os.environ["NGROK_AUTHTOKEN"]


@check("without an edge to dial, the embedded one serves it all the same")
def _():
    dialled = os.environ.pop("NGROK_CONNECT_URL"), os.environ.pop("NGROK_CONNECT_CAS")
    try:
        made = config()
        made.auth_token = None
        tunnel = connect(made, str(SERVICE))
        answer = subprocess.run(["curl", "-ksS", "--max-time", "10", tunnel.public_url + "/embedded"],
                                capture_output=True, text=True)
        contains(answer.stdout, '"/embedded"')
    finally:
        os.environ["NGROK_CONNECT_URL"], os.environ["NGROK_CONNECT_CAS"] = dialled


run_checks(after=end)
