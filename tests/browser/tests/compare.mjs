// Two exchanges side by side.

import assert from "node:assert/strict";
import { test } from "node:test";
import { clear, eventually, inspector, row, rows, says, shot, visit, world } from "../world.mjs";

export default function () {
  test("after a replay its original is offered beside it, and what differs is marked", async (t) => {
    await clear();
    (await world()).upstream.state.moved = 0;
    await visit("/moving", { headers: { "x-same": "1" } });
    const page = await inspector(t);
    await row(page, "/moving").click();
    await page.keyboard.press("r");
    await page.getByRole("button", { name: "Compare with the original" }).click();
    const response = page.locator(".compare .part").nth(1);
    await eventually(async () => {
      assert.deepEqual(await response.locator(".diff-cell.removed .removed-word").allTextContents(), ["open"]);
      assert.deepEqual(await response.locator(".diff-cell.added .added-word").allTextContents(), ["shipped"]);
    });
    await says(page.locator(".compare-head").last().locator("span").first(), "Right, its replay");
    await shot(page, "compare");
    await page.getByRole("button", { name: "Swap sides" }).click();
    await eventually(async () => assert.deepEqual(await page.locator(".diff-cell.removed .removed-word").allTextContents(), ["shipped"]));
    await page.keyboard.press("Escape");
    await page.locator(".compare").waitFor({ state: "hidden" });
  });

  test("any two can be marked and compared; sensitive values stay covered", async (t) => {
    await clear();
    await visit("/json?left", { headers: { authorization: "Bearer very-secret-left", "x-a": "one two three" } });
    await visit("/json?right", { headers: { authorization: "Bearer very-secret-right", "x-a": "one 2 three", "x-b": "new" } });
    const page = await inspector(t);
    await rows(page, 2);
    await row(page, "/json?left").click();
    await page.keyboard.press("c");
    await page.getByText("1 marked. Mark another to compare.").waitFor();
    await row(page, "/json?right").click();
    await eventually(async () => assert.match(await page.locator(".exchange-path").innerText(), /right/));
    await page.keyboard.press("c");
    const request = page.locator(".compare .part").first();
    await request.locator(".pair-row.added", { hasText: "x-b" }).waitFor();
    await says(request.locator(".pair-row.changed", { hasText: /x-a/i }).locator(".removed-word"), "two");
    assert.doesNotMatch(await page.locator("html").evaluate((html) => html.textContent), /very-secret/);
    await request.getByRole("button", { name: /^Show the value of authorization$/i }).first().click();
    await request.getByText("Bearer very-secret-left").waitFor();
    await request.getByRole("button", { name: /^Show \d+ equal headers?$/ }).click();
    await request.locator(".pair-row.same", { hasText: /^Host/i }).waitFor();
    await shot(page, "compare-marked");
    await page.reload();
    await page.locator(".compare .part").first().waitFor();
  });
}
