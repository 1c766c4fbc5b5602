"""A web service that tells what it was asked; `/big?N` answers with N bytes."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("content-length") or 0)
        said = self.rfile.read(length).decode("utf-8", "replace")
        if self.path.startswith("/big?"):
            body = b"x" * int(self.path[5:])
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.dumps(
                {"method": self.command, "path": self.path, "headers": headers, "body": said}
            ).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Service).serve_forever()
