// Replaying, as it was and changed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, clear, eventually, inspector, row, rows, says, shot, visit, world } from "../world.mjs";

const last = async () => (await world()).upstream.state.seen.at(-1);
const octets = Buffer.from(Array.from({ length: 256 }, (_, n) => n));

export default function () {
  test("one click sends the same again, as an exchange of its own, straight to the upstream", async (t) => {
    await clear();
    await visit("/echo?one", { method: "PUT", body: octets, headers: { "x-mine": "yes", authorization: "Bearer secret" } });
    const { state } = (await world()).upstream;
    const before = state.n_seen;
    const page = await inspector(t);
    await row(page, "/echo?one").click();
    await page.getByRole("button", { name: "Replay", exact: true }).click();
    await rows(page, 2);
    await says(page.locator(".grid-row .cell-tags").filter({ hasText: "replay" }), "replay");
    await eventually(() => assert.equal(state.n_seen, before + 1));
    const { method, url, headers, body } = await last();
    assert.deepEqual([method, url, headers["x-mine"], headers.authorization], ["PUT", "/echo?one", "yes", "Bearer secret"]);
    assert.deepEqual(body, octets, "the body is the same, octet by octet");
    await page.locator(".facts").getByText("replay of").waitFor();
    await page.getByRole("button", { name: "Compare with original" }).waitFor();
    await shot(page, "replayed");
  });

  test("no policy of the edge stands in the way of a replay", async (t) => {
    await clear();
    await visit("/json", { headers: { authorization: `Basic ${btoa("ann:correct-horse")}` }, endpoint: "guarded" });
    const page = await inspector(t);
    await row(page, "/json").click();
    await page.keyboard.press("r");
    await rows(page, 2);
    await says(page.locator("#exchange-status"), "200");
  });

  test("the editor changes method, path, headers and body", async (t) => {
    await clear();
    await visit("/echo?first", { method: "POST", body: '{"n":1}', headers: { "content-type": "application/json", "x-old": "1", authorization: "Bearer very-secret" } });
    const page = await inspector(t);
    await row(page, "/echo?first").click();
    await page.getByRole("button", { name: "Edit and replay" }).click();
    const editor = page.getByRole("dialog");
    await editor.getByLabel("Method").fill("PATCH");
    await editor.getByLabel("Path and query").fill("/echo?second=%20x");
    const line = editor.locator(".edit-row", { has: page.locator('input[aria-label="Header name"]') });
    const names = await line.locator("input:first-child").evaluateAll((inputs) => inputs.map((input) => input.value.toLowerCase()));
    await line.nth(names.indexOf("x-old")).getByLabel("Header value").fill("2");
    await editor.getByRole("button", { name: "Add a header" }).click();
    await line.last().getByLabel("Header name").fill("x-new");
    await line.last().getByLabel("Header value").fill("hello");
    await editor.getByRole("button", { name: "Edit as text" }).click();
    const area = editor.getByLabel("Body as text");
    assert.equal(await area.inputValue(), '{"n":1}');
    await area.fill('{"n":2,"ü":"✓"}');
    await shot(page, "editor");
    await editor.getByRole("button", { name: "Replay" }).click();
    await editor.waitFor({ state: "detached" });
    await rows(page, 2);
    const { method, url, headers, body } = await last();
    assert.deepEqual([method, url, headers["x-old"], headers["x-new"], headers.authorization], ["PATCH", "/echo?second=%20x", "2", "hello", "Bearer very-secret"]);
    assert.equal(body.toString(), '{"n":2,"ü":"✓"}');
    assert.equal(headers["content-length"] ?? "chunked", headers["content-length"] ? String(body.length) : "chunked");
  });

  test("a body that nobody edits goes back octet by octet", async (t) => {
    await clear();
    await visit("/echo?octets", { method: "POST", body: octets });
    const page = await inspector(t);
    await row(page, "/echo?octets").click();
    await page.getByRole("button", { name: "Edit and replay" }).click();
    const editor = page.getByRole("dialog");
    await editor.getByText("256 B, sent back untouched").waitFor();
    await editor.getByRole("button", { name: "Edit as text" }).click();
    await editor.getByText("It is not UTF-8 text").waitFor();
    await editor.getByLabel("Path and query").fill("/echo?again");
    await page.keyboard.press("Control+Enter");
    await editor.waitFor({ state: "detached" });
    await eventually(async () => assert.equal((await last()).url, "/echo?again"));
    assert.deepEqual((await last()).body, octets);
  });

  test("a file may take the body's place, and trailers may be sent", async (t) => {
    await clear();
    await visit("/echo?file", { method: "POST", body: "was" });
    const page = await inspector(t);
    await row(page, "/echo?file").click();
    await page.getByRole("button", { name: "Edit and replay" }).click();
    const editor = page.getByRole("dialog");
    const chooser = page.waitForEvent("filechooser");
    await editor.getByRole("button", { name: "Take a file" }).click();
    await (await chooser).setFiles({ name: "body.bin", mimeType: "application/octet-stream", buffer: octets });
    await editor.getByText("body.bin, 256 B").waitFor();
    await editor.getByRole("button", { name: "Add a trailer" }).click();
    await editor.getByLabel("Trailer name").fill("x-checksum");
    await editor.getByLabel("Trailer value").fill("abc");
    await editor.getByRole("button", { name: "Replay" }).click();
    await editor.waitFor({ state: "detached" });
    await eventually(async () => assert.deepEqual((await last()).body, octets));
    assert.equal((await last()).trailers["x-checksum"], "abc");
  });

  test("a change that cannot be sent keeps the editor and says why", async (t) => {
    await clear();
    await visit("/echo?bad");
    const page = await inspector(t);
    await row(page, "/echo?bad").click();
    await page.keyboard.press("e");
    const editor = page.getByRole("dialog");
    await editor.getByLabel("Method").fill("GE T");
    await editor.getByRole("button", { name: "Replay" }).click();
    await eventually(async () => assert.notEqual(await editor.locator(".form-error").last().innerText(), ""));
    assert.equal((await api("/api/exchanges")).exchanges.length, 1);
    page.problems.splice(0, page.problems.length, ...page.problems.filter((problem) => !problem.includes("400")));
  });
}
