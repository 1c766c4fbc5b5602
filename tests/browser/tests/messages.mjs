// WebSocket frames as they pass.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import http2 from "node:http2";
import net from "node:net";
import { test } from "node:test";
import { clear, eventually, inspector, row, says, shot, world } from "../world.mjs";

/** A WebSocket through the tunnel; `send` puts one short masked frame on it. */
async function socket(path) {
  const url = new URL((await world()).urls.web);
  const stream = net.connect(Number(url.port), "127.0.0.1");
  stream.write(`GET ${path} HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`);
  const head = await new Promise((resolve) => stream.once("data", (part) => resolve(part.toString("latin1"))));
  assert.match(head, /^HTTP\/1\.1 101 /);
  return {
    send(opcode, payload) {
      const data = Buffer.from(payload);
      const mask = randomBytes(4);
      stream.write(Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | data.length]), mask, Buffer.from(data.map((octet, n) => octet ^ mask[n % 4]))]));
    },
    closed: new Promise((resolve) => stream.once("close", resolve)),
    end: () => stream.end(),
  };
}

export default function () {
  test("frames appear while the socket is open, both ways, and the close is one of them", async (t) => {
    await clear();
    const page = await inspector(t);
    const ws = await socket("/chat");
    await row(page, "/chat").waitFor();
    await row(page, "/chat").click();
    await page.getByRole("tab", { name: "Messages" }).click();
    await page.getByText("None yet; they appear as they pass.").waitFor();
    ws.send(1, "hello");
    const said = () => page.locator(".message").evaluateAll((all) => all.map((one) => [one.classList.contains("from-client") ? "client" : "server", one.querySelector(".message-kind").textContent, one.querySelector(".message-text").textContent]));
    await eventually(async () => assert.deepEqual(await said(), [["client", "text", "hello"], ["server", "text", "hello"]]));
    ws.send(1, '{"type":"order","id":4711}');
    ws.send(2, [0, 1, 2, 255]);
    await eventually(async () => assert.equal((await said()).length, 6));
    await page.locator(".message", { hasText: "4711" }).first().getByRole("button", { name: "Open" }).click();
    await says(page.locator(".message-whole .code-line").nth(1), '"type": "order",');
    await page.locator(".message.message-binary").first().getByRole("button", { name: "Open" }).click();
    await says(page.locator(".message-whole .hex-octets"), /^00 01 02 ff/);
    await shot(page, "messages");
    await page.getByLabel("Direction").selectOption("client");
    assert.equal(await page.locator(".message.from-server").first().isVisible(), false);
    ws.send(8, [3, 232]);
    await ws.closed;
    await eventually(async () => assert.equal((await said()).filter(([, kind]) => kind === "close").length, 2));
    await says(page.locator("#exchange-status"), "101");
    await eventually(async () => assert.match(await row(page, "/chat").locator(".cell-tags").innerText(), /^ws [78]$/));
  });

  test("messages of a gRPC call appear while it is going on", async (t) => {
    await clear();
    const page = await inspector(t);
    const url = new URL((await world()).urls.calls);
    const client = http2.connect(`http://127.0.0.1:${url.port}`);
    t.after(() => client.destroy());
    const call = client.request({ ":method": "POST", ":authority": url.host, ":path": "/shop.Orders/Watch", "content-type": "application/grpc", te: "trailers" });
    call.resume();
    const message = (text) => Buffer.concat([Buffer.from([0, 0, 0, 0, text.length]), Buffer.from(text)]);
    call.write(message("first"));
    await row(page, "/shop.Orders/Watch").click();
    await page.getByRole("tab", { name: "Messages" }).click();
    const said = () => page.locator(".message").evaluateAll((all) => all.map((one) => [one.classList.contains("from-client") ? "client" : "server", one.querySelector(".message-text").textContent]).sort());
    await eventually(async () => assert.deepEqual(await said(), [["client", "first"], ["server", "first"]]));
    call.write(message("second"));
    await eventually(async () => assert.deepEqual(await said(), [["client", "first"], ["client", "second"], ["server", "first"], ["server", "second"]]));
    call.end();
    await row(page, "/shop.Orders/Watch").and(page.locator(".done")).waitFor();
    await page.getByRole("tab", { name: "Headers" }).click();
    await page.locator(".part", { hasText: "Response trailers" }).getByText("Grpc-Status", { exact: false }).waitFor();
    await shot(page, "grpc");
  });
}
