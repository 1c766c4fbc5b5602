// Ten thousand rows: what it costs to show, to scroll and to add.

import assert from "node:assert/strict";
import { test } from "node:test";
import { clear, eventually, inspector, row, shot, visit } from "../world.mjs";

const MANY = 10_000;
// A frame has 16 ms; a machine that does other things too may take longer for one of them.
const FRAME_MS = 16;
const MOST_ELEMENTS = 3000;

export default function () {
  test("ten thousand rows scroll within a frame, and new ones come in within one", async (t) => {
    await clear();
    for (let sent = 0; sent < MANY; sent += 200) await Promise.all(Array.from({ length: 200 }, (_, n) => visit(`/many/${sent + n}`)));
    const page = await inspector(t);
    await eventually(async () => {
      await page.locator(".viewport").evaluate((viewport) => (viewport.scrollTop = viewport.scrollHeight));
      assert.equal(await page.locator(".tally").innerText(), "10,000 exchanges");
    }, 60_000);
    assert.ok((await page.locator("*").count()) < MOST_ELEMENTS, "only what is seen is in the document");

    const scroll = await page.locator(".viewport").evaluate(async (viewport) => {
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      const costs = [];
      for (let n = 0; n < 120; n += 1) {
        viewport.scrollTop = ((n * 7919) % 10_000) * 30;
        await frame();
        const began = performance.now();
        await frame();
        // The page draws in the frame before; what the main thread spent since is the cost.
        costs.push(performance.now() - began);
      }
      viewport.scrollTop = 0;
      costs.sort((a, b) => a - b);
      return { median: costs[60], most: costs.at(-1) };
    });
    t.diagnostic(`scrolling 10,000 rows: a frame every ${scroll.median.toFixed(1)} ms in the middle, ${scroll.most.toFixed(1)} ms at most`);
    assert.ok(scroll.median <= FRAME_MS * 2, `a frame took ${scroll.median} ms while scrolling`);

    await row(page, `/many/${MANY - 1}`).waitFor().catch(() => {});
    const long = await page.evaluateHandle(() => {
      const seen = [];
      new PerformanceObserver((list) => seen.push(...list.getEntries().map((one) => one.duration))).observe({ type: "longtask" });
      return seen;
    });
    const began = Date.now();
    // Each hundred is waited for: more than a few thousand a second are told as lost, and rightly.
    for (let n = 0; n < 400; n += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, one) => visit(`/more/${n + one}`)));
      await eventually(async () => assert.equal(await page.locator(".tally").innerText(), `10,${n + 100} exchanges`));
    }
    const visited = Date.now() - began;
    const tasks = await long.evaluate((seen) => seen);
    t.diagnostic(`400 new rows in ${visited} ms on top of 10,000: ${tasks.length} tasks over 50 ms, the longest ${Math.max(0, ...tasks).toFixed(0)} ms`);
    assert.ok(Math.max(0, ...tasks) < 200, `a task took ${Math.max(0, ...tasks)} ms`);
    await shot(page, "ten-thousand");
  });
}
