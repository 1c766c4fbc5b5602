// The status page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { clear, eventually, inspector, says, shot, visit, world } from "../world.mjs";

export default function () {
  test("the session, its history, the settings and the endpoints are there", async (t) => {
    const page = await inspector(t, "/status", { height: 1300 });
    const { urls } = await world();
    await says(page.locator(".session-now h1"), /^online$/i);
    await page.locator(".history li", { hasText: "connected" }).waitFor();
    await page.locator(".block-settings").getByText("inspect_db_size").waitFor();
    assert.deepEqual((await page.locator(".card .card-url a").allTextContents()).sort(), Object.values(urls).sort());
    await page.locator(".card", { hasText: "guarded" }).getByText("basic-auth").waitFor();
    await says(page.locator("#session"), /^online/);
  });

  test("numbers and charts move with the traffic, and say so in words", async (t) => {
    await clear();
    const page = await inspector(t, "/status", { height: 1300 });
    const total = () => page.locator(".metrics tr", { hasText: "web" }).locator("td").nth(9).innerText();
    await page.locator(".metrics").waitFor();
    const before = Number((await total()).replaceAll(",", ""));
    for (let n = 0; n < 30; n += 1) await visit(`/json?${n}`);
    await eventually(async () => assert.equal(Number((await total()).replaceAll(",", "")), before + 30));
    const charts = page.locator(".chart-holder");
    assert.equal(await charts.count(), 3);
    await eventually(async () => {
      assert.match(await charts.nth(0).getAttribute("aria-label"), /^Requests, last five minutes\. per second: now [\d,]+, peak [1-9][\d,]*$/);
      assert.match(await charts.nth(1).getAttribute("aria-label"), /^Latency, .*50 %: now .*peak [\d.]+ (µs|ms|s)$/);
      assert.match(await charts.nth(2).getAttribute("aria-label"), /^Bytes, .*out: now .*peak [\d.]+ (B|kB|MB)/);
    });
    const path = await charts.nth(0).locator(".chart-line").getAttribute("d");
    assert.ok(path.split("L").length >= 299, "one point a second");
    await charts.nth(0).focus();
    await page.keyboard.press("ArrowLeft");
    await page.locator(".chart-cursor").waitFor({ state: "attached" });
    await shot(page, "status");
  });

  test("the configuration can be read again", async (t) => {
    const page = await inspector(t, "/status");
    await page.getByRole("button", { name: "Read the configuration again" }).click();
    await page.getByText("Nothing changed; 4 as before").waitFor();
  });

  test("one gets from page to page without losing the filter", async (t) => {
    await clear();
    await visit("/missing");
    const page = await inspector(t, "/inspect/http?status=4xx");
    await page.getByRole("link", { name: "Status", exact: true }).click();
    await page.locator(".session-now").waitFor();
    assert.equal(new URL(page.url()).pathname, "/status");
    await page.getByRole("link", { name: "Exchanges", exact: true }).click();
    await page.locator(".chip").waitFor();
    assert.equal(new URL(page.url()).search, "?status=4xx");
    await page.goBack();
    await page.locator(".session-now").waitFor();
  });
}
