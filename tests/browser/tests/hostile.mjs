// Captured content can never run, leave its place, or break the page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hostile, paths } from "../hostile.mjs";
import { api, clear, eventually, inspector, row, rows, says, shot, visit, world } from "../world.mjs";

const TABS = ["Summary", "Headers", "Body", "Raw", "Hex", "Timing", "Decisions"];

/** Elements that only captured markup could have made. */
const foreign = (page) => page.locator("iframe, object, embed, script:not([src]), img:not([src^='/api/exchanges/']), [onload], [onerror], base, meta[http-equiv], foreignObject, form:not(.menu-form)").count();

export default function () {
  for (const path of Object.keys(hostile)) {
    test(`${path} is only ever text`, async (t) => {
      await clear();
      await visit(path, { headers: { "x-hostile": "<img src=x onerror=alert(1)>" } });
      const page = await inspector(t);
      await row(page, path).click();
      for (const name of TABS) {
        await page.getByRole("tab", { name }).click();
        await page.locator(`.tab-${name.toLowerCase()} .part, .tab-${name.toLowerCase()} .glance`).first().waitFor();
        assert.equal(await foreign(page), 0, name);
      }
      await page.getByRole("tab", { name: "Body" }).click();
      await page.locator(".tab-body").waitFor();
      if (/html|svg|type/.test(path)) await shot(page, `hostile-${path.split("/").at(-1)}`);
      await page.keyboard.press("e");
      await page.getByRole("dialog").waitFor();
      assert.equal(await foreign(page), 0, "editor");
    });
  }

  test("paths that are markup stay paths", async (t) => {
    await clear();
    for (const path of paths) await visit(path);
    const page = await inspector(t);
    await rows(page, paths.length);
    assert.deepEqual((await page.locator(".path-text").allTextContents()).sort(), [...paths].sort());
    for (const path of paths) {
      await page.locator(".grid-row").filter({ hasText: path }).click();
      await says(page.locator(".exchange-path"), path);
    }
    assert.equal(await foreign(page), 0);
    await page.goto(`${(await world()).base}/inspect/http?q=${encodeURIComponent("<img src=x onerror=alert(1)>")}&path=${encodeURIComponent("<script>alert(1)</script>")}&id=${encodeURIComponent("\"><script>alert(1)</script>")}&tab=__proto__&compare=constructor,%3Cscript%3E`);
    await page.locator(".chip").waitFor();
    await page.locator(".compare .none").waitFor();
    assert.equal(await foreign(page), 0);
    page.problems.splice(0, page.problems.length, ...page.problems.filter((problem) => !/status of 40[04]/.test(problem)));
  });

  test("a body that is opened by itself does not run either", async (t) => {
    await clear();
    await visit("/hostile/page.html");
    await visit("/hostile/picture.svg");
    const { exchanges } = await api("/api/exchanges");
    const { base } = await world();
    for (const { id } of exchanges) {
      for (const query of ["", "?decoded=1"]) {
        const answer = await fetch(`${base}/api/exchanges/${id}/response/body${query}`);
        assert.equal(answer.headers.get("content-type"), "application/octet-stream");
        assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
        assert.match(answer.headers.get("content-disposition"), /^attachment/);
        assert.match(answer.headers.get("content-security-policy"), /sandbox/);
      }
    }
    const page = await inspector(t);
    const download = page.waitForEvent("download");
    await page.evaluate((url) => location.assign(url), `/api/exchanges/${exchanges[0].id}/response/body`);
    await (await download).delete();
    assert.match(page.url(), /\/inspect\/http$/);
  });

  test("invalid UTF-8 shows what there is", async (t) => {
    await clear();
    await visit("/hostile/invalid-utf8.txt");
    const page = await inspector(t);
    await row(page, "/hostile/invalid-utf8.txt").click();
    await page.getByRole("tab", { name: "Hex" }).click();
    await says(page.locator(".hex-octets").first(), "68 69 ff fe c3 28 ed a0  80 3c 73 3e");
    await page.getByRole("tab", { name: "Raw" }).click();
    await eventually(async () => assert.match(await page.locator("pre.raw").nth(1).innerText(), /hi\ufffd/));
  });

  test("two hostile exchanges side by side are text too", async (t) => {
    await clear();
    await visit("/hostile/page.html");
    await visit("/hostile/script.json");
    const { exchanges } = await api("/api/exchanges");
    const page = await inspector(t, `/inspect/http?compare=${exchanges[1].id},${exchanges[0].id}`);
    await page.locator(".diff-row").first().waitFor();
    assert.equal(await foreign(page), 0);
    await shot(page, "hostile-compare");
  });
}
