// Export, masked and not, of all and of some; import; and the round trip.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { clear, inspector, row, rows, says, shot, visit } from "../world.mjs";

async function exported(page, { secrets = false } = {}) {
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  if (secrets) await dialog.getByRole("checkbox").check();
  const download = page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Save the file" }).click();
  const file = await download;
  assert.equal(file.suggestedFilename(), "adit.har");
  return readFileSync(await file.path(), "utf8");
}

async function menu(page, name) {
  await page.locator("#exchanges-menu").click();
  await page.getByRole("menuitem", { name }).click();
}

export default function () {
  test("an export masks secrets unless one ticks the box", async (t) => {
    await clear();
    await visit("/secret", { headers: { authorization: "Bearer very-secret-token", "x-plain": "visible" } });
    const page = await inspector(t);
    await row(page, "/secret").waitFor();
    await menu(page, "Export as HAR…");
    await shot(page, "export");
    const masked = await exported(page);
    assert.doesNotMatch(masked, /very-secret/);
    assert.match(masked, /visible/);
    assert.equal(JSON.parse(masked).log.version, "1.2");
    await menu(page, "Export as HAR…");
    const whole = await exported(page, { secrets: true });
    assert.match(whole, /very-secret-token/);
    assert.match(whole, /very-secret-cookie/);
  });

  test("marked exchanges are exported alone", async (t) => {
    await clear();
    for (const path of ["/a", "/b", "/c"]) await visit(path);
    const page = await inspector(t);
    await rows(page, 3);
    await row(page, "/a").click({ modifiers: ["Control"] });
    await row(page, "/c").click({ modifiers: ["Control"] });
    await page.getByText("2 exchanges marked").waitFor();
    await shot(page, "marked");
    await page.locator(".marks").getByRole("button", { name: "Export HAR" }).click();
    const { entries } = JSON.parse(await exported(page)).log;
    assert.deepEqual(entries.map((entry) => new URL(entry.request.url).pathname).sort(), ["/a", "/c"]);
  });

  test("what was exported can be imported: the same exchanges, bodies and all", async (t) => {
    await clear();
    await visit("/json?round=trip", { method: "POST", body: "request body", headers: { "content-type": "text/plain" } });
    await visit("/missing");
    const page = await inspector(t);
    await rows(page, 2);
    await menu(page, "Export as HAR…");
    const har = await exported(page, { secrets: true });
    await clear();
    await rows(page, 0);
    const chooser = page.waitForEvent("filechooser");
    await menu(page, "Import HAR…");
    await (await chooser).setFiles({ name: "adit.har", mimeType: "application/json", buffer: Buffer.from(har) });
    await page.getByText("Imported 2 exchanges").waitFor();
    await rows(page, 2);
    await row(page, "/json?round=trip").click();
    await page.locator(".facts").getByText("imported").waitFor();
    await page.getByRole("tab", { name: "Body" }).click();
    await says(page.locator(".part", { hasText: "Request body" }).locator(".code-line").first(), "request body");
    await says(page.locator(".part", { hasText: "Response body" }).locator(".code-line").nth(1), '"id": 4711,');
    await shot(page, "imported");
  });

  test("a file that is no HAR is refused with the reason", async (t) => {
    await clear();
    const page = await inspector(t);
    const chooser = page.waitForEvent("filechooser");
    await menu(page, "Import HAR…");
    await (await chooser).setFiles({ name: "x.har", mimeType: "application/json", buffer: Buffer.from('{"no":"har"}') });
    await page.locator(".toast.error").waitFor();
    page.problems.splice(0, page.problems.length, ...page.problems.filter((problem) => !problem.includes("400")));
  });
}
