"""pyngrok's own tests, from its source package, with our binary where it would download the agent:
`pyngrok_suite.py PATH-OF-NGROK SOURCE.tar.gz`, in an environment that has it and psutil.

They were written for a hosted service. What of that is put in its place: names below the edge's domain
lead to this machine, nothing is downloaded, and nothing is reserved by a management API.
"""

import logging
import os
import socket
import sys
import tarfile
import types
import unittest
import uuid
from pathlib import Path

from life import TOKEN, WORK

BINARY, SOURCE = sys.argv[1], sys.argv[2]
DOMAIN = "tunnel.example.com"

# Gives an answer 0.1 ms, and wants that to be too short: sometimes it is not.
TOO_FAST = {"test_api_request_timeout"}

# What fails, and why it may.
EXPECTED = {
    "test_tunnel_definitions": "a definition of it signs in with an application of the hosted service",
    "test_regional_connect_url": "regions are those of the hosted service",
    "test_regional_subdomain": "regions are those of the hosted service",
    "test_regional_tcp": "regions are those of the hosted service",
    "test_tunnel_definitions_pyngrok_default": "expects the hosted service's domain",
}


def is_taken(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


if is_taken(4040):
    EXPECTED["test_multiple_processes_different_binaries"] = "somebody has port 4040"

os.environ.update(SSL_CERT_FILE=os.environ["CA"], NGROK_AUTHTOKEN=TOKEN, NGROK_API_KEY="none",
                  NGROK_HOSTNAME=f"reserved.{DOMAIN}", NGROK_DOMAIN=f"reserved.{DOMAIN}")
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **named: resolve(
    "127.0.0.1" if isinstance(host, str) and host.endswith(DOMAIN) else host, *more, **named)

from pyngrok import installer  # noqa: E402


def install(path, *_, **__):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.lexists(path):
        os.symlink(BINARY, path)


installer.install_ngrok = install
made = types.ModuleType("scripts.create_test_resources")
made.create_test_resources = lambda *_: None
made.generate_name_for_subdomain = lambda prefix: f"{prefix}-{uuid.uuid4().hex[:8]}"
sys.modules["scripts"], sys.modules[made.__name__] = types.ModuleType("scripts"), made

root = Path(WORK) / "suite"
with tarfile.open(SOURCE) as archive:
    archive.extractall(root, filter="data")
root = next(root.iterdir())
os.chdir(root)
sys.path.insert(0, str(root))
logging.disable(logging.CRITICAL)
names = ["tests.test_ngrok", "tests.test_process", "tests.test_agent"]
suite = unittest.defaultTestLoader.loadTestsFromNames(names)
known = {test.id().rsplit(".", 1)[-1] for module in suite for case in module for test in case}
# Older versions name some of them after the agent; newer ones have none for the agent of before.
EXPECTED = {name: why for base, why in EXPECTED.items() for name in (base, base + "_v3") if name in known}
AGENT_2 = {name for name in known if name.endswith("_v2")}
# Agents that are meant to fail say so on the standard error that they inherit.
errors = os.dup(2)
with open(Path(WORK) / "suite.out", "w") as out:
    os.dup2(out.fileno(), 2)
    result = unittest.TextTestRunner(stream=out, warnings="ignore").run(suite)
os.dup2(errors, 2)

failed = {test.id().rsplit(".", 1)[-1]: text for test, text in result.failures + result.errors}
bad = 0
for name, text in failed.items():
    if name not in EXPECTED and name not in AGENT_2 | TOO_FAST:
        bad += 1
        print(f" ! {name}\n     {text.strip().splitlines()[-1]}")
for name, why in EXPECTED.items():
    if name in failed:
        print(f"   {name} fails: {why}")
    elif name != "test_multiple_processes_different_binaries":
        bad += 1
        print(f" ! {name} passes: {why} is true no more")
if old := AGENT_2 & failed.keys():
    print(f"   {len(old)} of {len(AGENT_2)} for agent 2 fail, whose files have no version")
skipped = f", {len(result.skipped)} skipped" if result.skipped else ""
print(f"{result.testsRun - len(failed)} passed, {bad} failed, {len(failed) - bad} as expected{skipped}")
sys.exit(1 if bad else 0)
