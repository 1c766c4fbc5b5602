"""Drives the PyPI package `ngrok` by JSON lines; see scenarios.py for the protocol."""
import asyncio
import json
import sys

import ngrok


class Driver:
    def __init__(self):
        self.session = None
        self.listeners = {}

    async def connect(self, server, ca, token):
        builder = ngrok.SessionBuilder().authtoken(token).server_addr(server).root_cas(ca)
        self.session = await builder.connect()
        return {}

    async def bind(self, key, proto, to, options):
        builder = {
            "http": self.session.http_endpoint,
            "tcp": self.session.tcp_endpoint,
            "tls": self.session.tls_endpoint,
        }[proto]()
        if "domain" in options:
            builder.domain(options["domain"])
        if "scheme" in options:
            builder.scheme(options["scheme"])
        if "basic_auth" in options:
            builder.basic_auth(*options["basic_auth"])
        if "response_header" in options:
            builder.response_header(*options["response_header"])
        if "deny_cidr" in options:
            builder.allow_cidr("0.0.0.0/0")
            builder.deny_cidr(options["deny_cidr"])
        if "compression" in options:
            builder.compression()
        if "traffic_policy" in options:
            builder.traffic_policy(options["traffic_policy"])
        if "termination" in options:
            crt, key_pem = (bytearray(open(path, "rb").read()) for path in options["termination"])
            builder.termination(crt, key_pem)
        listener = await builder.listen()
        listener.forward(to)
        self.listeners[key] = listener
        return {"url": listener.url()}

    async def close(self, key):
        await self.listeners.pop(key).close()
        return {}


def failure(error):
    args = getattr(error, "args", ())
    code = args[2] if len(args) > 2 else None
    return {"error": " ".join(str(a) for a in args), "code": code}


async def main():
    driver = Driver()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        call = json.loads(line)
        try:
            answer = await getattr(driver, call.pop("op"))(**call)
        except Exception as error:  # whatever the SDK raises is the answer
            answer = failure(error)
        print(json.dumps(answer), flush=True)


asyncio.run(main())
