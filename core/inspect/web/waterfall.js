// Phases of an exchange as bars on one scale.

import { h } from "./dom.js";
import { duration } from "./format.js";

const TITLES = {
  edge: "Edge, there and back",
  handlers: "Handlers, request",
  connect: "Connect to the upstream",
  wait: "Wait for the first byte",
  answer: "Handlers, response",
  own: "Until adit answered by itself",
  response: "Receive the response",
};

const title = (name) => TITLES[name];

/** The phases that there were, one after the other: `{name, start_ns, duration_ns}`. */
export function phases(timing) {
  const list = [];
  // What the visitor waits beyond what happens here, as the session measured it last.
  const edge = timing.edge_ns ?? 0;
  let at = edge;
  const add = (name, duration) => {
    if (duration === null || duration <= 0) return;
    list.push({ name, start_ns: at, duration_ns: duration });
    at += duration;
  };
  if (edge > 0) list.push({ name: "edge", start_ns: 0, duration_ns: edge });
  add("handlers", timing.handlers_ns);
  add("connect", timing.connect_ns);
  add("wait", timing.first_byte_ns);
  // What is left until the head went out is the response's way through the handlers, or what it
  // took to answer without the upstream.
  add(timing.first_byte_ns === null ? "own" : "answer", timing.to_head_ns === null ? null : edge + timing.to_head_ns - at);
  add("response", timing.total_ns === null || timing.to_head_ns === null ? null : edge + timing.total_ns - at);
  return list;
}

/** One bar per phase; `small` puts them all on one line. */
export function waterfall(timing, { small = false } = {}) {
  const list = phases(timing);
  const total = Math.max(timing.total_ns ?? 0, ...list.map((phase) => phase.start_ns + phase.duration_ns), 1);
  const text = list.map((phase) => `${title(phase.name)} ${duration(phase.duration_ns / 1e6)}`).join(", ");
  if (small) {
    return h("span", { class: "fall-line" }, h("span", { class: "fall-track", role: "img", "aria-label": text }, list.map((phase) => bar(phase, total))), legend(list));
  }
  return h(
    "table",
    { class: "fall", "aria-label": "Phases" },
    h("tbody", {}, list.map((phase) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, title(phase.name)),
        h("td", { class: "fall-cell" }, h("span", { class: "fall-track", "aria-hidden": "true" }, bar(phase, total))),
        h("td", { class: "fall-time num" }, duration(phase.duration_ns / 1e6)),
      ),
    )),
  );
}

function bar(phase, total) {
  const element = h("span", { class: `fall-bar phase-${phase.name}`, title: `${title(phase.name)}: ${duration(phase.duration_ns / 1e6)}` });
  element.style.left = `${(phase.start_ns / total) * 100}%`;
  element.style.width = `max(2px, ${(phase.duration_ns / total) * 100}%)`;
  return element;
}

function legend(list) {
  return h("span", { class: "fall-legend" }, list.map((phase) =>
    h("span", {}, h("i", { class: `swatch phase-${phase.name}` }), `${title(phase.name)} `, h("b", { class: "num" }, duration(phase.duration_ns / 1e6))),
  ));
}
