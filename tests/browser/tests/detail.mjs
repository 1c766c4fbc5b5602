// The pane of one exchange and its tabs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { clear, eventually, inspector, row, says, shot, visit } from "../world.mjs";

async function open(t, path, options = {}) {
  await clear();
  await visit(path, options);
  const page = await inspector(t, options.address);
  await row(page, path).click();
  await page.locator(".exchange-head").waitFor();
  return page;
}

const tab = (page, name) => page.getByRole("tab", { name }).click();
const section = (page, title) => page.locator(".part", { has: page.locator(`h2:text-is("${title}")`) });

export default function () {
  test("the summary has the query, the time and the bodies", async (t) => {
    const page = await open(t, "/json?page=2&tag=a%20b&tag=%26");
    await says(page.locator("#exchange-status"), "200");
    assert.deepEqual(await section(page, "Query").locator("tr").allTextContents(), ["page2", "taga b", "tag&"]);
    await says(section(page, "Response body").locator(".code-line").nth(1), '"id": 4711,');
    assert.ok((await page.locator(".fall-bar").count()) > 0);
    await shot(page, "summary");
  });

  test("headers are listed as sent; sensitive ones are not in the page until asked for", async (t) => {
    const page = await open(t, "/secret", { headers: { authorization: "Bearer very-secret-token", cookie: "a=very-secret-crumb", "x-plain": "visible" } });
    for (const name of ["Headers", "Raw", "Summary"]) {
      await tab(page, name);
      await page.locator(".part").first().waitFor();
      assert.doesNotMatch(await page.locator("html").evaluate((html) => html.textContent + [...html.querySelectorAll("*")].map((one) => [...one.attributes].map(({ value }) => value).join(" ")).join(" ")), /very-secret/, name);
    }
    await tab(page, "Headers");
    await section(page, "Request").getByText("visible").waitFor();
    await shot(page, "headers");
    await page.getByRole("button", { name: /^Show the value of authorization$/i }).click();
    await section(page, "Request").getByText("Bearer very-secret-token").waitFor();
    assert.doesNotMatch(await page.locator(".detail").innerText(), /very-secret-(crumb|cookie)/);
    await page.getByRole("button", { name: /^Show the value of set-cookie$/i }).press("Enter");
    await section(page, "Response").getByText("session=very-secret-cookie; HttpOnly").waitFor();
    await tab(page, "Raw");
    await section(page, "Request").getByText("Bearer very-secret-token").waitFor();
    assert.doesNotMatch(await page.locator(".detail").innerText(), /very-secret-crumb/);
  });

  test("JSON and XML are laid out, and the place of a mistake is marked", async (t) => {
    const page = await open(t, "/bad.json");
    await tab(page, "Body");
    const wrong = page.locator(".code-line.wrong");
    assert.equal(await wrong.getAttribute("data-n"), "3");
    assert.match(await page.locator(".warning").innerText(), /Not valid JSON: .+, line 3, column \d+/);
    await shot(page, "bad-json");

    await visit("/xml");
    await row(page, "/xml").click();
    await says(section(page, "Response body").locator(".code-line").nth(2), '<item sku="TBM-12">Tunnel boring machine</item>');
    await visit("/bad.xml");
    await row(page, "/bad.xml").click();
    await eventually(async () => assert.match(await page.locator(".warning").innerText(), /Not valid XML: .+, line 3, column \d+/));
    assert.equal(await page.locator(".code-line.wrong").getAttribute("data-n"), "3");
  });

  test("compressed bodies are shown decoded", async (t) => {
    const page = await open(t, "/gzip");
    await tab(page, "Body");
    await says(section(page, "Response body").locator(".code-line").nth(2), '"state": "open",');
    assert.match(await section(page, "Response body").locator(".part-facts").innerText(), /gzip → \d+ B/);
    for (const [path, text] of [["/br", "brotli said this"], ["/zstd", "zstd said this"]]) {
      await visit(path);
      await row(page, path).click();
      await says(section(page, "Response body").locator(".code-line").first(), text);
    }
  });

  test("forms and uploads are shown as fields", async (t) => {
    const page = await open(t, "/form", { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: "user=ada&note=a+b%26c" });
    await tab(page, "Body");
    await eventually(async () => assert.deepEqual(await section(page, "Request body").locator("tr").allTextContents(), ["userada", "notea b&c"]));
    const boundary = "x-adit-boundary";
    const body = `--${boundary}\r\nContent-Disposition: form-data; name="title"\r\n\r\nhello\r\n--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: application/octet-stream\r\n\r\n\x00\x01\x02\r\n--${boundary}--\r\n`;
    await visit("/upload", { method: "POST", headers: { "content-type": `multipart/form-data; boundary=${boundary}` }, body });
    await row(page, "/upload").click();
    await eventually(async () => assert.match((await section(page, "Request body").locator("tr").allTextContents()).join("|"), /^titlehello\|file.*file a\.bin.*application\/octet-stream/));
    await shot(page, "fields");
  });

  test("images are shown, binary bodies as hex", async (t) => {
    const page = await open(t, "/image.png");
    await tab(page, "Body");
    await eventually(async () => assert.deepEqual(await page.locator(".picture img").evaluate((image) => [image.naturalWidth, image.naturalHeight]), [16, 16]));
    await visit("/binary");
    await row(page, "/binary").click();
    await page.getByRole("button", { name: "See it as hex" }).click();
    await says(page.locator(".hex-row").first().locator(".hex-octets"), "00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f");
    assert.equal(await page.locator(".hex-row").nth(4).locator(".hex-text").innerText(), "@ABCDEFGHIJKLMNO");
    await shot(page, "hex");
  });

  test("raw shows the exchange as text", async (t) => {
    const page = await open(t, "/echo?raw", { method: "POST", body: "the body" });
    await tab(page, "Raw");
    const text = await eventually(async () => {
      const said = await page.locator("pre.raw").first().innerText();
      assert.match(said, /the body$/);
      return said;
    });
    assert.match(text, /^POST \/echo\?raw HTTP\/1\.1\nhost: /i);
    await shot(page, "raw");
  });

  test("timing has phases on one scale", async (t) => {
    const page = await open(t, "/json");
    await tab(page, "Timing");
    const phases = await page.locator(".fall th").allTextContents();
    assert.deepEqual(phases.slice(0, 1), ["Edge, there and back"]);
    assert.ok(phases.includes("Wait for the first byte"), phases.join());
    await shot(page, "timing");
  });

  test("decisions say which handler did what", async (t) => {
    await clear();
    await visit("/no", { endpoint: "guarded" });
    await visit("/yes", { endpoint: "guarded", headers: { authorization: `Basic ${btoa("ann:correct-horse")}` } });
    const page = await inspector(t);
    await row(page, "/no").click();
    await tab(page, "Decisions");
    await says(page.locator(".road-step").first(), /basic-auth\s+(refused|answered)/);
    assert.equal(await page.locator(".road-end", { hasText: "Upstream" }).count(), 0);
    await shot(page, "decisions-refused");
    await row(page, "/yes").click();
    await says(page.locator(".road-step").first(), /basic-auth\s+let it pass/);
    await says(page.locator(".road-end", { hasText: "Upstream" }), /answered 200/);
    await shot(page, "decisions-passed");
  });

  test("an exchange that failed says why", async (t) => {
    await clear();
    await visit("/x", { endpoint: "dead" });
    const page = await inspector(t);
    await row(page, "/x").click();
    await says(page.locator("#exchange-status"), "502");
    await says(page.locator(".exchange-error"), "The upstream could not be reached.");
    await shot(page, "failed");
  });

  test("what is selected, and its tab, stand in the address; one that is gone says so", async (t) => {
    const page = await open(t, "/json");
    await tab(page, "Timing");
    await page.reload();
    await page.locator(".fall").waitFor();
    await clear();
    await page.reload();
    await says(page.locator(".detail-gone p"), "This exchange is gone: newer ones took its place, or it was cleared.");
    page.problems.splice(0, page.problems.length, ...page.problems.filter((problem) => !problem.includes("404")));
  });

  test("copy as curl masks secrets unless asked", async (t) => {
    const page = await open(t, "/json", { headers: { authorization: "Bearer very-secret-token" } });
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    await page.getByRole("button", { name: "Copy as curl" }).click();
    await page.getByText("Copied as curl, secrets masked").waitFor();
    assert.match(await clipboard(), /^curl /);
    assert.doesNotMatch(await clipboard(), /very-secret/);
    await page.locator("#act-more").click();
    await page.getByRole("menuitem", { name: "Copy as curl, with secrets" }).click();
    await page.getByText("Copied as curl, with secrets").waitFor();
    assert.match(await clipboard(), /very-secret-token/);
  });
}
