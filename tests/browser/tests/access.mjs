// For everybody: the keyboard alone, dark, a phone, assistive technology.

import assert from "node:assert/strict";
import { test } from "node:test";
import { clear, eventually, inspector, row, rows, says, shot, visit } from "../world.mjs";

const some = async () => {
  await clear();
  for (const path of ["/one", "/missing", "/json", "/broken"]) await visit(path);
};

const selected = (page) => page.locator('.grid-row[aria-selected="true"] .path-text');

export default function () {
  test("everything works with the keyboard alone", async (t) => {
    await some();
    const page = await inspector(t);
    await rows(page, 4);
    await page.keyboard.press("j");
    await says(selected(page), "/broken");
    await page.keyboard.press("j");
    await says(selected(page), "/json");
    await page.keyboard.press("k");
    await says(selected(page), "/broken");
    await page.keyboard.press("G");
    await says(selected(page), "/one");
    await page.keyboard.press("g");
    await says(selected(page), "/broken");
    await page.keyboard.press("j");
    await eventually(async () => assert.match(await page.locator(".exchange-path").innerText(), /json/));
    await page.keyboard.press("]");
    await says(page.getByRole("tab", { selected: true }), "Headers");
    await page.keyboard.press("]");
    await says(page.getByRole("tab", { selected: true }), "Body");
    await page.keyboard.press("[");
    await page.keyboard.press("Enter");
    await eventually(async () => assert.equal(await page.evaluate(() => document.activeElement.closest(".detail") !== null), true));
    await page.keyboard.press("r");
    await rows(page, 5);
    await page.keyboard.press("e");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
    await shot(page, "keys");
    await page.keyboard.press("Escape");
    await page.keyboard.press("f");
    await page.getByRole("menu", { name: "Add a filter" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.locator(".menu").getByRole("button", { name: "4xx" }).focus();
    await page.keyboard.press("Enter");
    await rows(page, 1);
    await page.keyboard.press("/");
    await page.keyboard.type("x");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.keyboard.press("s");
    await page.locator(".session-now").waitFor();
    await page.keyboard.press("i");
    await rows(page, 1);
  });

  test("Tab reaches every control in order, and what has the focus can be seen", async (t) => {
    await some();
    const page = await inspector(t);
    await row(page, "/json").click();
    await page.locator(".exchange-head").waitFor();
    await page.reload();
    await page.locator(".code-line").first().waitFor();
    const reached = [];
    for (let n = 0; n < 40; n += 1) {
      await page.keyboard.press("Tab");
      const focus = await page.evaluate(() => {
        const one = document.activeElement;
        const style = getComputedStyle(one);
        const current = one.querySelector?.(".current");
        const visible = style.outlineStyle !== "none" || (current && getComputedStyle(current).outlineStyle !== "none");
        return { name: one.getAttribute("aria-label") ?? one.textContent.trim().slice(0, 40), visible: Boolean(visible), body: one === document.body };
      });
      if (focus.body) break;
      assert.ok(focus.visible, `the focus on “${focus.name}” can be seen`);
      assert.notEqual(focus.name, "", "what has the focus has a name");
      reached.push(focus.name);
    }
    for (const name of ["Skip to the exchanges", "Exchanges", "Status", "Filter", "Exchanges, newest first", "Width of the list", "Replay", "Edit and replay", "Compare", "Copy as curl", "Summary"]) {
      assert.ok(reached.includes(name), `${name} among ${reached.join(", ")}`);
    }
  });

  test("the roles that assistive technology needs are there", async (t) => {
    await some();
    const page = await inspector(t);
    await row(page, "/json").click();
    const grid = page.getByRole("grid", { name: "Exchanges, newest first" });
    await grid.waitFor();
    assert.equal(await grid.getAttribute("aria-rowcount"), "5");
    const active = await grid.getAttribute("aria-activedescendant");
    assert.match(await page.locator(`[id="${active}"]`).innerText(), /\/json/);
    assert.equal(await page.locator("[role=columnheader]").count(), 8);
    await page.getByRole("tablist", { name: "Parts of the exchange" }).waitFor();
    await page.getByRole("tabpanel").waitFor();
    await page.getByRole("navigation", { name: "Pages" }).waitFor();
    const nameless = await page.locator("button, input, select, a[href], textarea").evaluateAll((all) => all.filter((one) => !(one.getAttribute("aria-label") ?? one.textContent).trim()).map((one) => one.className));
    assert.deepEqual(nameless, []);
  });

  test("dark follows the system, the toggle overrides it, and text stays readable in both", async (t) => {
    await some();
    const page = await inspector(t, "/inspect/http", { dark: true });
    await row(page, "/json").click();
    await page.locator(".code-line").first().waitFor();
    const dark = await luminances(page);
    assert.ok(dark.ground < 0.05, "dark ground");
    assert.deepEqual(dark.weak, [], "weak contrast in the dark");
    await shot(page, "dark");
    await page.locator("#theme").click();
    await page.getByRole("menuitemradio", { name: "Light" }).click();
    await eventually(async () => assert.ok((await luminances(page)).ground > 0.8, "light ground"));
    assert.deepEqual((await luminances(page)).weak, [], "weak contrast in the light");
    await page.reload();
    await row(page, "/json").waitFor();
    assert.ok((await luminances(page)).ground > 0.8, "the choice is remembered");
    const status = await inspector(t, "/status", { dark: true, height: 1300 });
    await status.locator(".metrics").waitFor();
    assert.deepEqual((await luminances(status)).weak, [], "weak contrast of the status page");
    await shot(status, "status-dark");
  });

  test("on a phone everything fits, details cover the list, and Back leads out", async (t) => {
    await some();
    const page = await inspector(t, "/inspect/http", { width: 360, height: 740 });
    await rows(page, 4);
    await fits(page);
    await shot(page, "phone-list");
    await row(page, "/json").click();
    await page.locator(".exchange-head").waitFor();
    await fits(page);
    await shot(page, "phone-detail");
    for (const name of ["Headers", "Body", "Raw", "Hex", "Timing", "Decisions"]) {
      await page.getByRole("tab", { name }).click();
      await page.locator(`.tab-${name.toLowerCase()} .part`).first().waitFor();
      await fits(page);
    }
    await page.getByRole("button", { name: "Edit and replay" }).click();
    await fits(page);
    await shot(page, "phone-editor");
    await page.keyboard.press("Escape");
    await page.goBack();
    await page.locator(".detail").waitFor({ state: "hidden" });
    await page.getByRole("link", { name: "Status", exact: true }).click();
    await page.locator(".metrics").waitFor();
    await fits(page);
    await shot(page, "phone-status");
  });

  test("who wants less motion gets none", async (t) => {
    await some();
    const page = await inspector(t);
    await visit("/fresh");
    await row(page, "/fresh").waitFor();
    assert.deepEqual(await page.evaluate(() => document.getAnimations().map((one) => one.animationName ?? one.transitionProperty)), []);
  });
}

/** Nothing is wider than the window, and nothing that can be touched lies outside. */
async function fits(page) {
  const out = await page.evaluate(() => {
    const wide = document.documentElement.scrollWidth > innerWidth ? [`page ${document.documentElement.scrollWidth}`] : [];
    for (const one of document.querySelectorAll("button, input, select, a[href]")) {
      const box = one.getBoundingClientRect();
      const scrolls = one.closest(".tabs, .scroller, .skip, .code, .chips");
      if (box.width > 0 && !scrolls && (box.left < -1 || box.right > innerWidth + 1)) wide.push(one.outerHTML.slice(0, 80));
    }
    return wide;
  });
  assert.deepEqual(out, []);
}

/** Luminance of the ground, and texts whose contrast with what lies below is under 4.5. */
function luminances(page) {
  return page.evaluate(() => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const rgba = (colour) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = ([r, g, b]) => [r, g, b].map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)).reduce((sum, value, n) => sum + value * [0.2126, 0.7152, 0.0722][n], 0);
    const below = (element) => {
      for (let one = element; one; one = one.parentElement) {
        const colour = rgba(getComputedStyle(one).backgroundColor);
        if (colour[3] === 255) return colour;
      }
      return rgba("white");
    };
    const weak = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.textContent.trim() || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
      const style = getComputedStyle(element);
      const [a, b] = [luminance(rgba(style.fill !== "rgb(0, 0, 0)" && element.closest("svg") ? style.fill : style.color)), luminance(below(element))];
      const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (contrast < 4.5 && !element.closest("[disabled]")) weak.push(`${element.className?.baseVal ?? element.className} ${contrast.toFixed(2)} ${walker.currentNode.textContent.trim().slice(0, 20)}`);
    }
    return { ground: luminance(rgba(getComputedStyle(document.documentElement).backgroundColor)), weak: [...new Set(weak)] };
  });
}
