// Header lines. Values of sensitive ones are not even in the document until somebody asks.

import { h } from "./dom.js";

/** What was uncovered in this visit, so that drawing again does not cover it. */
const uncovered = new Set();

export const DOTS = "••••••••";

/** A value, or dots with a button that puts the value in their place. */
export function value(text, { sensitive, name, key }) {
  if (!sensitive || uncovered.has(key)) return h("span", { class: "header-value" }, text);
  const place = h("span", { class: "header-value masked" });
  const show = h(
    "button",
    {
      type: "button",
      class: "reveal",
      "aria-label": `Show the value of ${name}`,
      on: {
        click: () => {
          uncovered.add(key);
          place.classList.remove("masked");
          place.replaceChildren(text);
        },
      },
    },
    DOTS,
    h("span", { class: "reveal-hint" }, "show"),
  );
  place.append(show);
  return place;
}

/** A table of headers or trailers; `scope` tells the same header of two exchanges apart. */
export function headerTable(headers, scope, label) {
  if (headers.length === 0) return h("p", { class: "none" }, "None");
  return h(
    "table",
    { class: "pairs", "aria-label": label },
    h(
      "tbody",
      {},
      headers.map((header, n) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, header.name),
          h("td", {}, value(header.value, { ...header, key: `${scope}/${n}/${header.name}` })),
        ),
      ),
    ),
  );
}

/** Names and values that are not sensitive. */
export function pairTable(pairs, label) {
  return h(
    "table",
    { class: "pairs", "aria-label": label },
    h("tbody", {}, pairs.map(([name, content]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, content)))),
  );
}
