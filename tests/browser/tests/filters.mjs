// The filter bar: each filter alone, several at once, in the address, by keyboard.

import assert from "node:assert/strict";
import { test } from "node:test";
import { clear, eventually, inspector, row, rows, says, shot, visit } from "../world.mjs";

const shown = async (page) => (await page.locator(".grid-row .path-text").allTextContents()).sort();
const shows = (page, paths) => eventually(async () => assert.deepEqual(await shown(page), [...paths].sort()));

async function some() {
  await clear();
  await visit("/json", { headers: { "x-kind": "special-one" } });
  await visit("/missing");
  await visit("/broken", { method: "POST", body: "needle-in-a-body" });
  await visit("/binary");
  await visit("/a", { endpoint: "guarded" });
}

async function choose(page, name) {
  await page.getByRole("button", { name: "Filter", exact: true }).click();
  await page.getByRole("menuitem", { name }).click();
}

export default function () {
  test("the drop-down has a form for each filter", async (t) => {
    await some();
    const page = await inspector(t);
    await rows(page, 5);
    const cases = [
      ["Path", async (panel) => panel.getByRole("textbox").fill("miss"), ["/missing"], "Path miss"],
      ["Status", async (panel) => panel.getByRole("textbox", { name: "Statuses" }).fill("404-500"), ["/missing", "/broken"], "Status 404-500"],
      ["Size", async (panel) => panel.getByRole("textbox", { name: "At least" }).fill("1k"), ["/binary"], "Size ≥ 1.0 kB"],
      ["Header", async (panel) => panel.getByRole("textbox").fill("x-kind:special"), ["/json"], "Header x-kind:special"],
      ["Free text", async (panel) => panel.getByRole("textbox").fill("needle-in-a"), ["/broken"], null],
      ["Duration", async (panel) => panel.getByRole("textbox", { name: "At least" }).fill("1 m"), [], "Duration ≥ 1 m 00 s"],
    ];
    for (const [name, fill, paths, chip] of cases) {
      await choose(page, name);
      const panel = page.locator(".menu");
      await fill(panel);
      if (name === "Status") await shot(page, "filter-form");
      await panel.getByRole("button", { name: "Apply" }).click();
      await shows(page, paths);
      if (chip) assert.equal((await page.locator(".chip").allTextContents()).join(), chip.replace(" ", ""));
      await page.locator("#filters").getByRole("button", { name: "Clear filters" }).click();
      await rows(page, 5);
    }
    await choose(page, "Method");
    await page.locator(".menu").getByRole("button", { name: "POST" }).click();
    await shows(page, ["/broken"]);
    await page.getByRole("button", { name: "Remove filter: Method POST" }).click();
    await choose(page, "Endpoint");
    await page.locator(".menu").getByRole("button", { name: "guarded" }).click();
    await shows(page, ["/a"]);
    await page.getByRole("button", { name: "Remove filter: Endpoint guarded" }).click();
    await choose(page, "Status");
    await page.locator(".menu").getByRole("button", { name: "4xx" }).click();
    await shows(page, ["/missing", "/a"]);
  });

  test("filters combine, stand in the address, and are there after a reload", async (t) => {
    await some();
    const page = await inspector(t);
    await rows(page, 5);
    const search = page.getByRole("searchbox");
    for (const term of ["status:4xx", "endpoint:web"]) {
      await search.fill(term);
      await search.press("Enter");
    }
    await shows(page, ["/missing"]);
    assert.deepEqual(Object.fromEntries(new URL(page.url()).searchParams), { status: "4xx", endpoint: "web" });
    await page.reload();
    await shows(page, ["/missing"]);
    assert.equal(await page.locator(".chip").count(), 2);
    await shot(page, "filters");
    await page.getByRole("button", { name: "Remove filter: Endpoint web" }).click();
    await shows(page, ["/missing", "/a"]);
    assert.equal(new URL(page.url()).search, "?status=4xx");
  });

  test("what comes later passes the filters too, also those that only the agent can apply", async (t) => {
    await some();
    const page = await inspector(t, "/inspect/http?status=404");
    await shows(page, ["/missing"]);
    await visit("/json?other");
    await visit("/missing?again");
    await shows(page, ["/missing", "/missing?again"]);

    const text = await inspector(t, "/inspect/http?q=needle-in-a-body");
    await shows(text, ["/broken"]);
    await visit("/json?no");
    await visit("/echo?yes", { method: "POST", body: "needle-in-a-body" });
    await shows(text, ["/broken", "/echo?yes"]);
  });

  test("typing searches; nothing found says so and offers the way out", async (t) => {
    await some();
    const page = await inspector(t);
    await rows(page, 5);
    await page.keyboard.press("/");
    await page.keyboard.type("needle-in");
    await shows(page, ["/broken"]);
    await page.keyboard.type("-vain");
    await says(page.locator(".empty h1"), "Nothing matches");
    await shot(page, "no-match");
    await page.locator(".empty").getByRole("button", { name: "Clear filters" }).click();
    await rows(page, 5);
    assert.equal(await row(page, "/json").count(), 1);
  });

  test("a form says what it does not understand", async (t) => {
    await clear();
    const page = await inspector(t);
    await choose(page, "Duration");
    await page.locator(".menu").getByRole("textbox", { name: "At least" }).fill("soon");
    await page.keyboard.press("Enter");
    await says(page.locator(".menu .wrong"), "Say 250, 250 ms or 1.5 s.");
    await page.keyboard.press("Escape");
    assert.equal(await page.locator(".menu").count(), 0);
  });
}
