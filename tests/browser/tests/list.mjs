// The live list.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, clear, eventually, inspector, row, rows, says, shot, visit, world } from "../world.mjs";

export default function () {
  test("an empty list says where to send the first request, and the request appears by itself", async (t) => {
    await clear();
    const page = await inspector(t);
    const { urls } = await world();
    await says(page.locator(".empty h1"), "Waiting for the first request");
    assert.deepEqual((await page.locator(".try-line a").allTextContents()).sort(), Object.values(urls).sort());
    await says(page.locator(".try-line code"), /^curl -i http:\/\/\S+\/$/);
    await shot(page, "empty");
    await page.locator(".try-line:last-child button").click();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^curl -i http/);

    await visit("/json?first=yes");
    await row(page, "/json?first=yes").waitFor();
    await says(page.locator(".tally"), "1 exchange");
    assert.equal(await page.locator(".empty").isVisible(), false);
  });

  test("rows show method, status, size and who decided, newest on top", async (t) => {
    await clear();
    const page = await inspector(t);
    await visit("/json", { method: "POST", body: "x" });
    await visit("/missing");
    await visit("/broken");
    await visit("/a", { endpoint: "guarded" });
    await visit("/b", { endpoint: "dead" });
    await rows(page, 5);
    const said = await page.locator(".grid-row").evaluateAll((all) =>
      all
        .sort((a, b) => Number(a.getAttribute("aria-rowindex")) - Number(b.getAttribute("aria-rowindex")))
        .map((one) => [".status-number", ".cell-method", ".path-text", ".cell-tags", ".cell-endpoint"].map((part) => one.querySelector(part).textContent)),
    );
    assert.deepEqual(said, [
      ["502", "GET", "/b", "upstream-unreachable", "dead"],
      ["401", "GET", "/a", "basic-auth", "guarded"],
      ["500", "GET", "/broken", "", "web"],
      ["404", "GET", "/missing", "", "web"],
      ["200", "POST", "/json", "", "web"],
    ]);
    await shot(page, "list");
  });

  test("an exchange that is under way shows so, and ends in its row", async (t) => {
    await clear();
    const page = await inspector(t);
    const { upstream } = await world();
    const answer = visit("/hold");
    await page.locator(".grid-row.open").waitFor();
    await eventually(() => assert.equal(upstream.state.held.length, 1));
    upstream.state.held.pop()();
    await answer;
    await page.locator(".grid-row.done").waitFor();
    await says(page.locator(".status-number"), "200");
    await rows(page, 1);
  });

  test("new rows wait while one looks at old ones, and are counted", async (t) => {
    await clear();
    for (let n = 0; n < 80; n += 1) await visit(`/old/${n}`);
    const page = await inspector(t);
    await row(page, "/old/79").waitFor();
    await page.locator(".viewport").evaluate((viewport) => (viewport.scrollTop = 600));
    await row(page, "/old/50").waitFor();
    const before = await row(page, "/old/50").boundingBox();
    for (let n = 0; n < 3; n += 1) await visit(`/new/${n}`);
    await says(page.locator(".news"), "3 new");
    assert.deepEqual(await row(page, "/old/50").boundingBox(), before, "what one reads does not move");
    await shot(page, "waiting");
    await page.locator(".news").click();
    await row(page, "/new/2").waitFor();
    assert.equal(await page.locator(".news").isVisible(), false);
    assert.equal(await page.locator(".viewport").evaluate((viewport) => viewport.scrollTop), 0);
  });

  test("rows that were lost are admitted, and can be loaded", async (t) => {
    await clear();
    await visit("/there");
    // The agent's stream, with the word that a browser gets which does not keep up.
    const prepare = (page) =>
      page.route("**/api/events", (route) => route.fulfill({ contentType: "text/event-stream", body: 'retry: 600000\n\nevent: lost\ndata: {"n":120}\n\n' }));
    const page = await inspector(t, "/inspect/http", { prepare });
    await says(page.locator(".notice span").first(), "This page fell behind: 120 changes did not reach it.");
    await shot(page, "lost");
    await visit("/missed");
    await page.getByRole("button", { name: "Load the list again" }).click();
    await row(page, "/missed").waitFor();
    await eventually(async () => assert.equal(await page.locator(".notice").count(), 0));
  });

  test("a stream that breaks is taken up again, and what came in between is there", async (t) => {
    await clear();
    await visit("/before");
    let n = 0;
    const prepare = (page) =>
      page.route("**/api/events", (route) => ((n += 1) === 1 ? route.fulfill({ contentType: "text/event-stream", body: "retry: 1500\n\n" }) : route.continue()));
    const page = await inspector(t, "/inspect/http", { prepare });
    await says(page.locator(".session-text"), "agent does not answer");
    await row(page, "/before").waitFor();
    await visit("/between");
    assert.equal(await row(page, "/between").count(), 0);
    await row(page, "/between").waitFor();
    await says(page.locator(".session-text"), /^online/);
    await visit("/after");
    await row(page, "/after").waitFor();
  });

  test("clearing asks first and empties every page", async (t) => {
    await clear();
    await visit("/gone");
    const page = await inspector(t);
    const other = await inspector(t);
    await row(page, "/gone").waitFor();
    await row(other, "/gone").waitFor();
    await page.locator("#exchanges-menu").click();
    await page.getByRole("menuitem", { name: "Clear all…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    assert.equal((await api("/api/exchanges")).exchanges.length, 1);
    await page.locator("#exchanges-menu").click();
    await page.getByRole("menuitem", { name: "Clear all…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Clear all" }).click();
    await says(page.locator(".empty h1"), "Waiting for the first request");
    await says(other.locator(".empty h1"), "Waiting for the first request");
    assert.equal((await api("/api/exchanges")).exchanges.length, 0);
  });

  test("more rows than a page of the agent has are loaded when one gets there", async (t) => {
    await clear();
    await Promise.all(Array.from({ length: 1200 }, (_, n) => visit(`/deep/${n}`)));
    const page = await inspector(t);
    await page.locator(".grid-row").first().waitFor();
    await eventually(async () => {
      await page.locator(".viewport").evaluate((viewport) => (viewport.scrollTop = viewport.scrollHeight));
      assert.equal(await page.locator(".tally").innerText(), "1,200 exchanges");
    });
    await eventually(async () => {
      await page.locator(".viewport").evaluate((viewport) => (viewport.scrollTop = viewport.scrollHeight));
      assert.equal(await page.locator('.grid-row[aria-rowindex="1201"]').count(), 1);
    });
  });
}
