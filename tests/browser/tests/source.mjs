// What is true of the files themselves.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { world } from "../world.mjs";

const FOLDER = new URL("../../../core/inspect/web/", import.meta.url);
const files = readdirSync(FOLDER).filter((name) => /\.(js|css|html|svg)$/.test(name));
const read = (name) => readFileSync(new URL(name, FOLDER), "utf8");

export default function () {
  test("no file can turn a string into markup, code or style", () => {
    for (const name of files.filter((one) => one.endsWith(".js"))) {
      const code = read(name).replace(/^\s*(\/\/|\*|\/\*).*$/gm, "").replace(/^const FORBIDDEN = .*$/m, "");
      for (const word of ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "createContextualFragment", "srcdoc", "eval(", "new Function", "setAttribute(\"style\"", "setHTML", "javascript:"]) {
        assert.ok(!code.includes(word), `${name} uses ${word}`);
      }
    }
  });

  test("no file asks for anything from outside, and no markup has style or handlers in it", () => {
    for (const name of files) {
      const text = read(name).replaceAll("http://www.w3.org/2000/svg", "");
      assert.doesNotMatch(text, /(?:src|href|url|import|from)\s*[=(]?\s*["'(]?(?:https?:)?\/\/[a-z]/i, name);
      assert.doesNotMatch(text, /@import/, name);
    }
    assert.doesNotMatch(read("index.html"), /\sstyle=|<style|\son[a-z]+=|<script>|<script [^>]*(?<!src="[^"]*")>\s*\S/);
  });

  test("every file is served with its type, and the page names only files that are there", async () => {
    const { base } = await world();
    const types = { js: "text/javascript", css: "text/css", svg: "image/svg+xml" };
    const page = await (await fetch(`${base}/inspect/http`)).text();
    for (const [, name] of page.matchAll(/"\/static\/([^"]+)"/g)) assert.ok(files.includes(name), `the page names ${name}`);
    for (const name of files.filter((one) => one !== "index.html")) {
      const answer = await fetch(`${base}/static/${name}`);
      assert.equal(answer.status, 200, name);
      assert.equal(answer.headers.get("content-type").split(";")[0], types[name.split(".").pop()], name);
      assert.match(answer.headers.get("content-security-policy"), /default-src 'none'/, name);
      assert.doesNotMatch(answer.headers.get("content-security-policy"), /unsafe/, name);
    }
  });

  test("no file is longer than one can read", () => {
    for (const name of files) assert.ok(read(name).split("\n").length <= 400, name);
  });
}
