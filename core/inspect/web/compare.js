// Two exchanges side by side: start lines, headers, bodies. In lines that replace each other, the
// words that differ are marked.

import * as api from "./api.js";
import { button, h, put } from "./dom.js";
import { bytes, clock, duration, statusKind } from "./format.js";
import { value } from "./headers.js";
import { words } from "./words.js";

export class Compare {
  #pane;
  #act;
  #pair = null;
  #stop = new AbortController();

  /** `act`: `{close, open, swap}`. */
  constructor(pane, act) {
    this.#pane = pane;
    this.#act = act;
  }

  get isOpen() {
    return this.#pair !== null;
  }

  /** Shows a pair of ids; null closes. */
  async show(pair) {
    const key = pair?.join(",") ?? null;
    if (key === (this.#pair?.join(",") ?? null)) return;
    this.#pair = pair;
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#pane.hidden = pair === null;
    if (!pair) return;
    const { signal } = this.#stop;
    put(this.#pane, this.#bar(), h("p", { class: "none" }, "Comparing…"));
    try {
      const diff = await api.diff(...pair, signal);
      put(this.#pane, this.#bar(), h("div", { class: "compare-body", tabindex: "0", role: "region", "aria-label": "Differences" }, this.#heads(diff), sideDiff("Request", diff.request, diff), sideDiff("Response", diff.response, diff)));
    } catch (error) {
      if (error.name !== "AbortError") put(this.#pane, this.#bar(), h("p", { class: "none" }, error.status === 404 ? "One of the two is gone." : error.message));
    }
    this.#pane.focus({ preventScroll: true });
  }

  #bar() {
    return h(
      "header",
      { class: "compare-bar" },
      button("Back", this.#act.close, { glyph: "arrowLeft", kind: "ghost", id: "close-compare" }),
      h("h1", { class: "grow" }, "Comparison"),
      button("Swap sides", () => this.#act.swap([...this.#pair].reverse()), { glyph: "compare" }),
    );
  }

  #heads({ left, right }) {
    return h("div", { class: "compare-heads" }, [left, right].map((row, n) =>
      h(
        "button",
        { type: "button", class: "compare-head", on: { click: () => this.#act.open(row.id) } },
        h("span", { class: "dim" }, n === 0 ? "Left" : row.replay_of === left.id ? "Right, its replay" : "Right"),
        h("span", { class: "mono compare-path" }, `${row.method} ${row.path}`),
        h("span", { class: "num" }, h("b", { class: `mono kind-${statusKind(row.status)}` }, row.status ?? row.state), ` · ${duration((row.duration_ns ?? 0) / 1e6)}${delta(left, right, n)} · ${bytes(row.response_size)} · ${clock(row.start)}`),
      ),
    ));
  }
}

function delta(left, right, n) {
  if (n === 0 || !left.duration_ns || !right.duration_ns) return "";
  const change = Math.round((right.duration_ns / left.duration_ns - 1) * 100);
  return ` (${change > 0 ? "+" : change < 0 ? "−" : "±"}${Math.abs(change)} %)`;
}

function sideDiff(title, side, { left, right }) {
  if (!side) return h("section", { class: "part" }, h("header", { class: "part-head" }, h("h2", {}, title)), h("p", { class: "none" }, "Neither has one."));
  const changed = side.headers.filter((header) => header.change !== "same");
  const same = side.headers.length - changed.length;
  const rows = (headers) => headers.map((header, n) => headerRow(header, `${left.id}+${right.id}/${title}/${n}`));
  const table = h("div", { class: "pair-grid", role: "table", "aria-label": `${title} headers` }, startLine(side.start_line), rows(changed));
  const unchanged = same > 0 && button(`Show ${same} equal ${same === 1 ? "header" : "headers"}`, () => {
    put(table, startLine(side.start_line), rows(side.headers));
    unchanged.remove();
  }, { small: true, kind: "ghost" });
  const facts = [side.start_line.same ? null : "first line differs", changed.length > 0 ? `${changed.length} of ${side.headers.length} headers differ` : "headers are equal", BODY[side.body.kind]].filter(Boolean).join(" · ");
  return h(
    "section",
    { class: "part" },
    h("header", { class: "part-head" }, h("h2", {}, title), h("span", { class: "part-facts" }, facts), h("span", { class: "grow" }), unchanged),
    table,
    bodyDiff(side.body),
  );
}

const BODY = { same: "bodies are equal", text: "bodies differ", binary: "binary bodies differ", too_large: "bodies are too large to compare" };

function startLine(line) {
  return pairRow(line.same ? "same" : "changed", "", ...(line.same ? [line.left, line.right] : marked(line.left, line.right)));
}

function pairRow(change, name, left, right) {
  return h("div", { class: `pair-row ${change}`, role: "row" }, h("span", { class: "pair-cell left", role: "cell" }, name && h("b", { class: "t-name" }, `${name}: `), left), h("span", { class: "pair-cell right", role: "cell" }, name && h("b", { class: "t-name" }, `${name}: `), right));
}

function headerRow(header, key) {
  const { name, change, sensitive } = header;
  if (change === "changed" && !sensitive) return pairRow(change, name, ...marked(header.left, header.right));
  const cell = (text, side) => (text === null ? null : value(text, { name, sensitive, key: `${key}/${side}/${name}` }));
  const row = pairRow(change, name, cell(header.left, "left"), cell(header.right, "right"));
  if (header.left === null) row.firstElementChild.replaceChildren();
  if (header.right === null) row.lastElementChild.replaceChildren();
  return row;
}

/** Both texts with the words that differ marked. */
function marked(left, right) {
  const [before, after] = words(left, right);
  const nodes = (parts, kind) => parts.map(([same, text]) => (same ? text : h("mark", { class: kind }, text)));
  return [nodes(before, "removed-word"), nodes(after, "added-word")];
}

function bodyDiff(body) {
  if (body.kind === "same" && body.left_size === 0) return null;
  if (body.kind !== "text") {
    const text = { same: `Equal bodies, ${bytes(body.left_size)}`, binary: `Binary: ${bytes(body.left_size)} and ${bytes(body.right_size)}`, too_large: `Too large: ${bytes(body.left_size)} and ${bytes(body.right_size)}` };
    return h("p", { class: "none" }, text[body.kind] ?? body.kind);
  }
  return h("div", { class: "diff", role: "table", "aria-label": "Body differences" }, body.hunks.map((hunk, n) => [n > 0 && h("div", { class: "diff-gap", role: "presentation" }, "⋯"), hunkRows(hunk.lines)]));
}

/** Lines side by side: removed ones stand beside the added ones that take their place. */
function hunkRows(lines) {
  const rows = [];
  for (let at = 0; at < lines.length; ) {
    if (lines[at].change === "same") {
      rows.push(diffRow(lines[at], lines[at]));
      at += 1;
      continue;
    }
    const run = [];
    while (at < lines.length && lines[at].change !== "same") run.push(lines[at++]);
    const removed = run.filter((line) => line.change === "removed");
    const added = run.filter((line) => line.change === "added");
    for (let n = 0; n < Math.max(removed.length, added.length); n += 1) rows.push(diffRow(removed[n], added[n]));
  }
  return rows;
}

function diffRow(left, right) {
  const [before, after] = left && right && left !== right ? marked(left.text, right.text) : [left?.text, right?.text];
  const cell = (line, side, content) =>
    h(
      "span",
      { class: `diff-cell ${side} ${line ? line.change : "absent"}`, role: "cell" },
      line && h("span", { class: "diff-number num", "aria-hidden": "true" }, side === "left" ? line.left : line.right),
      line && line.change !== "same" && h("span", { class: "visually-hidden" }, line.change === "added" ? "added: " : "removed: "),
      line && h("span", { class: "diff-text" }, content),
    );
  return h("div", { class: "diff-row", role: "row" }, cell(left, "left", before), cell(right, "right", after));
}
