// Endpoints on the status page: what they are, and their numbers.

import { button, h } from "./dom.js";
import { count, rate } from "./format.js";
import { copy } from "./toast.js";

/** One card per endpoint. */
export function endpointCards(endpoints) {
  if (endpoints.length === 0) return h("p", { class: "none" }, "No endpoint is served.");
  return h("div", { class: "cards" }, endpoints.map(card));
}

const ORIGIN = { api: "made through the API", command_line: "from the command line", file: "from the configuration file" };

function card(one) {
  const web = /^https?:/.test(one.public_url);
  const facts = [
    one.upstream.protocol === "http2" && "HTTP/2 upstream",
    one.upstream.proxy_protocol && `PROXY protocol ${one.upstream.proxy_protocol}`,
    one.inspect ? "inspected" : "not inspected",
    one.pooling_enabled && "pooled",
    ORIGIN[one.origin],
    ...(one.bindings ?? []),
  ].filter(Boolean);
  return h(
    "article",
    { class: "card", data: { state: one.state } },
    h(
      "header",
      { class: "card-head" },
      h("span", { class: "lamp", "aria-hidden": "true" }),
      h("h3", {}, one.name),
      h("span", { class: "dim grow" }, one.state === "online" ? "" : (one.reason ?? one.state)),
      button(`Copy the URL of ${one.name}`, () => copy(one.public_url, "the URL"), { glyph: "copy", iconOnly: true, kind: "ghost", small: true }),
    ),
    h("p", { class: "mono card-url" }, web ? h("a", { href: one.public_url, target: "_blank", rel: "noreferrer noopener" }, one.public_url) : one.public_url),
    h("p", { class: "mono dim card-url" }, "→ ", one.upstream.url),
    one.handlers.length > 0 && h("p", { class: "card-tags" }, one.handlers.map((kind) => h("span", { class: "tag" }, kind))),
    h("p", { class: "dim card-facts" }, facts.join(" · ")),
    one.description && h("p", { class: "card-facts" }, one.description),
    one.traffic_policy && h("details", {}, h("summary", {}, "Traffic policy"), h("pre", { class: "raw" }, one.traffic_policy)),
  );
}

const seconds = (ns) => (ns / 1e9).toFixed(ns > 0 && ns < 1e7 ? 4 : 2);

const COLUMNS = [
  ["Connections", [["total", (m) => count(m.conns.count)], ["open", (m) => count(m.conns.gauge)], ["1 min", (m) => rate(m.conns.rate1)], ["5 min", (m) => rate(m.conns.rate5)], ["15 min", (m) => rate(m.conns.rate15)]]],
  ["Connection duration, s", [["50 %", (m) => seconds(m.conns.p50)], ["90 %", (m) => seconds(m.conns.p90)], ["95 %", (m) => seconds(m.conns.p95)], ["99 %", (m) => seconds(m.conns.p99)]]],
  ["HTTP requests", [["total", (m) => count(m.http.count)], ["1 min", (m) => rate(m.http.rate1)], ["5 min", (m) => rate(m.http.rate5)], ["15 min", (m) => rate(m.http.rate15)]]],
  ["HTTP duration, s", [["50 %", (m) => seconds(m.http.p50)], ["90 %", (m) => seconds(m.http.p90)], ["95 %", (m) => seconds(m.http.p95)], ["99 %", (m) => seconds(m.http.p99)]]],
];

/** Connections, requests, and how long they took; rates are per second. */
export function metrics({ endpoints, totals }) {
  const leaves = COLUMNS.flatMap(([, columns]) => columns.map((column, n) => [...column, n === 0]));
  const row = (name, numbers, kind) => h("tr", { class: kind }, h("th", { scope: "row" }, name), leaves.map(([, read, first]) => h("td", { class: first ? "first" : undefined }, read(numbers))));
  return h(
    "div",
    { class: "scroller", tabindex: "0", role: "region", "aria-label": "Numbers of the endpoints" },
    h(
      "table",
      { class: "metrics num" },
      h("caption", { class: "visually-hidden" }, "Connections and HTTP requests: totals, rates per second over 1, 5 and 15 minutes, percentiles of durations in seconds"),
      h("thead", {}, h("tr", {}, h("td", {}), COLUMNS.map(([title, columns]) => h("th", { colspan: String(columns.length), scope: "colgroup", class: "first" }, title))), h("tr", {}, h("td", {}), leaves.map(([title, , first]) => h("th", { scope: "col", class: first ? "first" : undefined }, title)))),
      h("tbody", {}, endpoints.map((one) => row(one.name, one.metrics)), endpoints.length !== 1 && row("all", totals.metrics, "sum")),
    ),
  );
}
