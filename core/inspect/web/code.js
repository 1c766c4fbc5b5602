// Text as code: numbered lines, colours for JSON and XML, a mark where it is wrong. Every piece of
// text becomes a text node.

import { button, h } from "./dom.js";
import { count } from "./format.js";

const FIRST_LINES = 3000;
const CHUNK = 100;
// Longer lines are drawn in one piece: colouring them would cost more than it helps.
const COLOURED_LINE = 5000;

const JSON_TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;
const XML_TOKEN = /(<!--.*?-->)|(<\/?[^\s<>/]+|\/?>)|([\w:.-]+)(=)("[^"]*"|'[^']*')/g;

/** How a line is coloured: pieces of `[class or null, text]`. */
export function pieces(line, kind) {
  if (line.length > COLOURED_LINE) return [[null, line]];
  if (kind === "json") {
    return split(line, JSON_TOKEN, ([, string, colon, number, word]) =>
      string ? [[colon ? "t-name" : "t-string", string], [null, colon ?? ""]] : number ? [["t-number", number]] : [["t-word", word]],
    );
  }
  if (kind === "xml") {
    return split(line, XML_TOKEN, ([, comment, tag, name, equals, quoted]) =>
      comment ? [["t-comment", comment]] : tag ? [["t-tag", tag]] : [["t-name", name], [null, equals], ["t-string", quoted]],
    );
  }
  return [[null, line]];
}

function split(line, expression, name) {
  const out = [];
  let at = 0;
  for (const match of line.matchAll(expression)) {
    if (match.index > at) out.push([null, line.slice(at, match.index)]);
    out.push(...name(match));
    at = match.index + match[0].length;
  }
  if (at < line.length) out.push([null, line.slice(at)]);
  return out;
}

/** Nodes for pieces. */
export const draw = (list) => list.filter(([, text]) => text).map(([kind, text]) => (kind ? h("span", { class: kind }, text) : text));

/** Numbered lines. `error` is `{line, column, message}`, counted from one. */
export function code(text, { kind = "text", error = null, label = "Body" } = {}) {
  // A newline at the end ends the last line; it does not begin another.
  const lines = text.replace(/\n$/, "").split("\n");
  const view = h("div", { class: "code", role: "region", "aria-label": label, tabindex: "0" });
  view.style.setProperty("--digits", String(String(lines.length).length));
  const fill = (from, to) => {
    for (let start = from; start < to; start += CHUNK) {
      const part = lines.slice(start, Math.min(to, start + CHUNK));
      const chunk = h("div", { class: "code-chunk" }, part.map((line, n) => numbered(line, start + n + 1, kind, error)));
      chunk.style.containIntrinsicHeight = `auto ${part.length * 18}px`;
      view.append(chunk);
    }
  };
  const first = Math.min(lines.length, Math.max(FIRST_LINES, (error?.line ?? 0) + CHUNK));
  fill(0, first);
  if (first < lines.length) {
    const more = button(`Show the other ${count(lines.length - first)} lines`, () => {
      more.remove();
      fill(first, lines.length);
    }, { small: true });
    view.append(more);
  }
  return view;
}

function numbered(line, number, kind, error) {
  if (error?.line !== number) return h("div", { class: "code-line", data: { n: String(number) } }, draw(pieces(line, kind)));
  return [
    h("div", { class: "code-line wrong", data: { n: String(number) } }, marked(line, error.column)),
    h("div", { class: "code-error", role: "note" }, `${" ".repeat(Math.min(error.column - 1, 60))}▲ ${error.message}`),
  ];
}

// The place may be after the last character: something is missing there.
function marked(line, column) {
  const at = Math.max(0, column - 1);
  const wrong = [...line.slice(at)][0] ?? " ";
  return [line.slice(0, at), h("mark", { class: "wrong-place" }, wrong), line.slice(at + wrong.length)];
}
