// The story that every test begins with: a service, adit in front of it, a browser on the inspector.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { service } from "./service.mjs";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const SHOTS = fileURLToPath(new URL("shots/", import.meta.url));
const PATIENCE_MS = 10_000;

let started = null;

/** The one world of this run. */
export const world = () => (started ??= begin());

async function begin() {
  const upstream = await service();
  const home = mkdtempSync(join(tmpdir(), "adit-browser-"));
  const config = join(home, "adit.yml");
  writeFileSync(config, configuration(upstream));
  const adit = spawn(process.env.ADIT, ["start", "--all", "--config", config, "--log", "stdout", "--log-level", "info"], {
    env: { PATH: process.env.PATH, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, XDG_DATA_HOME: home },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const address = await webAddress(adit);
  const base = `http://${address}`;
  const endpoints = await eventually(async () => {
    const { endpoints: all } = await (await fetch(`${base}/api/endpoints`)).json();
    assert.equal(all.length, 4, "endpoints that are online");
    return all;
  });
  const urls = Object.fromEntries(endpoints.map(({ name, public_url: url }) => [name, url]));
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
  mkdirSync(SHOTS, { recursive: true });
  return { adit, base, browser, home, upstream, urls };
}

/** Ends it. */
export async function end() {
  if (!started) return;
  const { adit, browser, home, upstream } = await started;
  await browser.close();
  const gone = new Promise((resolve) => adit.once("exit", resolve));
  adit.kill("SIGTERM");
  await gone;
  await upstream.close();
  rmSync(home, { recursive: true });
}

function configuration({ port, calls }) {
  return `version: 3
agent:
  web_addr: 127.0.0.1:0
  console_ui: false
  inspect_db_size: 64000000
endpoints:
  - name: web
    upstream: { url: "http://127.0.0.1:${port}" }
  - name: guarded
    upstream: { url: "http://127.0.0.1:${port}" }
    handlers:
      - basic-auth: { credentials: ["ann:correct-horse"] }
      - response-headers: { add: ["x-guarded: yes"] }
  - name: calls
    upstream: { url: "http://127.0.0.1:${calls}", protocol: http2 }
  - name: dead
    upstream: { url: "http://127.0.0.1:1" }
`;
}

/** The address of the web service, as the log says it. */
function webAddress(adit) {
  return new Promise((resolve, reject) => {
    const said = [];
    const timer = setTimeout(() => reject(new Error(`adit did not start:\n${said.join("\n")}`)), PATIENCE_MS);
    const hear = (line) => {
      said.push(line);
      const found = /msg="starting web service".* addr=(\S+)/.exec(line);
      if (!found) return;
      clearTimeout(timer);
      resolve(found[1]);
    };
    createInterface({ input: adit.stdout }).on("line", hear);
    createInterface({ input: adit.stderr }).on("line", (line) => said.push(line));
    adit.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`adit ended with ${code}:\n${said.join("\n")}`));
    });
  });
}

/** Calls until it does not throw any more, and gives what it returned then. */
export async function eventually(test, patience = PATIENCE_MS) {
  const deadline = Date.now() + patience;
  for (;;) {
    try {
      return await test();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const keepAlive = new http.Agent({ keepAlive: true, maxSockets: 16 });

/** A visitor's request through the tunnel. */
export async function visit(path, { endpoint = "web", method = "GET", headers = {}, body } = {}) {
  const { urls } = await world();
  const url = new URL(urls[endpoint]);
  return new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", port: url.port, path, method, agent: keepAlive, maxHeaderSize: 1 << 20, headers: { host: url.host, ...headers } }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** A question to the local API; the parsed answer. */
export async function api(path, { method = "GET", json } = {}) {
  const { base } = await world();
  const answer = await fetch(base + path, { method, body: json && JSON.stringify(json), headers: json ? { "content-type": "application/json" } : {} });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${answer.ok ? "" : await answer.text()}`);
  return answer.status === 204 ? null : answer.json();
}

/** Forgets all exchanges. */
export const clear = () => api("/api/exchanges", { method: "DELETE" });

/**
 * Opens the inspector. When the test is over, the page must not have complained: no error, no
 * message of the console, no violation of the policy, no dialog.
 */
export async function inspector(t, path = "/inspect/http", { width = 1440, height = 900, dark = false, calm = true, prepare } = {}) {
  const { base, browser } = await world();
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? "dark" : "light",
    reducedMotion: calm ? "reduce" : "no-preference",
    acceptDownloads: true,
    permissions: ["clipboard-read", "clipboard-write"],
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(String(error.stack)));
  page.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.exposeFunction("tellViolation", (what) => problems.push(`policy: ${what}`));
  await page.addInitScript(() => addEventListener("securitypolicyviolation", (event) => window.tellViolation(`${event.violatedDirective} ${event.blockedURI}`)));
  page.problems = problems;
  if (process.env.ADIT_WEB) await page.route("**/static/*", (route) => route.fulfill({ path: join(process.env.ADIT_WEB, new URL(route.request().url()).pathname.split("/").at(-1)) }));
  await prepare?.(page);
  await page.goto(base + path);
  t.after(async () => {
    await context.close();
    assert.deepEqual(problems, [], "what the page complained of");
  });
  return page;
}

/** Leaves a picture for a person to look at. */
export const shot = (page, name) => page.screenshot({ path: join(SHOTS, `${name}.png`) });

/** Texts of all elements that match now. */
export const texts = (locator) => locator.allTextContents();

/** Waits until the element says this. */
export const says = (locator, text) =>
  eventually(async () => {
    const said = (await locator.innerText()).trim();
    if (text instanceof RegExp) assert.match(said, text);
    else assert.equal(said, text);
  });

/** The row of the list with this path. */
export const row = (page, path) =>
  page.locator(".grid-row", { has: page.locator(".path-text", { hasText: new RegExp(`^${path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`) }) });

/** Waits for so many rows. */
export const rows = (page, n) => eventually(async () => assert.equal(await page.locator(".grid-row").count(), n));
