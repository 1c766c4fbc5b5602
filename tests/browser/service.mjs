// The service behind the tunnel: bodies of every kind, and a WebSocket that answers.

import { createHash } from "node:crypto";
import http from "node:http";
import http2 from "node:http2";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { hostile } from "./hostile.mjs";

const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAAGklEQVR4nGNgYPj/nzI8asBoGIyGwWgYDIswAAALpP4BfSb3qwAAAABJRU5ErkJggg==", "base64");
const ORDER = { id: 4711, state: "open", customer: { name: "Ada Lovelace" }, items: [{ sku: "TBM-12", title: "Tunnel boring machine", price: 1280000.5 }], paid: false, note: null };

/** A zstd frame of one block that is stored: this node cannot compress with it. */
const zstd = (text) => Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, text.length, (text.length << 3) | 1, 0, 0]), Buffer.from(text)]);

/** Answers by path; `state` is what a test may change. */
function answers(state) {
  const json = (value) => [200, { "content-type": "application/json" }, JSON.stringify(value)];
  return {
    "/json": () => json(ORDER),
    "/bad.json": () => [200, { "content-type": "application/json" }, '{\n  "id": 1,\n  "state": open\n}'],
    "/xml": () => [200, { "content-type": "application/xml" }, '<?xml version="1.0"?><order id="4711"><item sku="TBM-12">Tunnel boring machine</item></order>'],
    "/bad.xml": () => [200, { "content-type": "application/xml" }, "<order>\n  <item>\n</order>"],
    "/gzip": () => [200, { "content-type": "application/json", "content-encoding": "gzip" }, gzipSync(JSON.stringify(ORDER))],
    "/br": () => [200, { "content-type": "text/plain", "content-encoding": "br" }, brotliCompressSync("brotli said this")],
    "/image.png": () => [200, { "content-type": "image/png" }, PIXEL],
    "/binary": () => [200, { "content-type": "application/octet-stream" }, Buffer.from(Array.from({ length: 1000 }, (_, n) => n % 256))],
    "/secret": () => [200, { "content-type": "text/plain", "set-cookie": "session=very-secret-cookie; HttpOnly" }, "hello"],
    "/missing": () => [404, { "content-type": "text/plain" }, "not here"],
    "/broken": () => [500, { "content-type": "text/plain" }, "it broke"],
    "/moving": () => json({ ...ORDER, state: state.moved++ === 0 ? "open" : "shipped" }),
    "/zstd": () => [200, { "content-type": "text/plain", "content-encoding": "zstd" }, zstd("zstd said this")],
  };
}

/** Starts it on a free port. */
export async function service() {
  const state = { moved: 0, held: [], seen: [], n_seen: 0 };
  const byPath = answers(state);
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts);
      const path = request.url.split("?")[0];
      state.n_seen += 1;
      state.seen.push({ method: request.method, url: request.url, headers: request.headers, trailers: request.trailers, body });
      if (state.seen.length > 100) state.seen.shift();
      if (path === "/hold") {
        state.held.push(() => response.end("released"));
        return;
      }
      const [status, headers, content] = (byPath[path] ?? hostile[path] ?? (() => echo(request, body)))(request, body);
      response.writeHead(status, headers);
      response.end(content);
    });
  });
  server.on("upgrade", (request, socket) => webSocket(request, socket));
  const calls = http2.createServer();
  calls.on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.pipe(stream);
  });
  const sessions = new Set();
  calls.on("session", (session) => sessions.add(session));
  await Promise.all([server, calls].map((one) => new Promise((resolve) => one.listen(0, "127.0.0.1", resolve))));
  return {
    port: server.address().port,
    calls: calls.address().port,
    state,
    async close() {
      for (const session of sessions) session.destroy();
      server.closeAllConnections();
      await Promise.all([server, calls].map((one) => new Promise((resolve) => one.close(resolve))));
    },
  };
}

function echo(request, body) {
  return [200, { "content-type": "application/json" }, JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body: body.toString("latin1") })];
}

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Sends every message back, until it is told to close. */
function webSocket(request, socket) {
  const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + GUID).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  let read = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (part) => {
    read = Buffer.concat([read, part]);
    for (;;) {
      const frame = unframe(read);
      if (!frame) return;
      read = read.subarray(frame.length);
      socket.write(Buffer.concat([Buffer.from([0x80 | frame.opcode, frame.payload.length]), frame.payload]));
      if (frame.opcode === 8) socket.end();
    }
  });
}

/** A short masked frame, as browsers and this suite send them. */
function unframe(bytes) {
  if (bytes.length < 6) return null;
  const size = bytes[1] & 0x7f;
  if (size > 125 || bytes.length < 6 + size) return null;
  const mask = bytes.subarray(2, 6);
  const payload = Buffer.from(bytes.subarray(6, 6 + size).map((octet, n) => octet ^ mask[n % 4]));
  return { opcode: bytes[0] & 0x0f, payload, length: 6 + size };
}
