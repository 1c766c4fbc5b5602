// What most people want to know, on one page: the query, the form, both bodies, and the time.

import { h } from "./dom.js";
import { pairTable } from "./headers.js";
import { bodySection, section } from "./tab-body.js";
import { waterfall } from "./waterfall.js";

export function tabSummary(x, act) {
  const query = x.request.query ?? [];
  const empty = x.request.size === 0;
  return [
    x.timing.to_head_ns !== null && h("button", { type: "button", class: "glance", "aria-label": "Timing in full", on: { click: () => act.setTab("timing") } }, waterfall(x.timing, { small: true })),
    query.length > 0 && section("Query", null, pairTable(query.map(({ name, value }) => [name, value]), "Query parameters")),
    !empty && bodySection(x, "request", act, { brief: true }),
    x.kind === "http" || x.state !== "open" ? bodySection(x, "response", act, { brief: true }) : section("Messages", null, h("button", { type: "button", class: "linkish", on: { click: () => act.setTab("messages") } }, "Follow the messages as they pass")),
  ];
}
