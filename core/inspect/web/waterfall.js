// Phases of an exchange as bars on one scale.

import { h } from "./dom.js";
import { duration } from "./format.js";

const TITLES = {
  edge: "Edge",
  handlers: "Handlers",
  connect: "Connect to the upstream",
  send: "Send the request",
  wait: "Wait for the first byte",
  response: "Receive the response",
};

/** What a phase is called. */
export const title = (name) => TITLES[name] ?? name;

/** One bar per phase; `small` puts them all on one line. */
export function waterfall(timing, { small = false } = {}) {
  const total = Math.max(timing.total_ns ?? 0, ...timing.phases.map((phase) => phase.start_ns + phase.duration_ns), 1);
  const text = timing.phases.map((phase) => `${title(phase.name)} ${duration(phase.duration_ns / 1e6)}`).join(", ");
  if (small) {
    return h("span", { class: "fall-line" }, h("span", { class: "fall-track", role: "img", "aria-label": text }, timing.phases.map((phase) => bar(phase, total))), legend(timing.phases));
  }
  return h(
    "table",
    { class: "fall", "aria-label": "Phases" },
    h("tbody", {}, timing.phases.map((phase) =>
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
  const element = h("span", { class: `fall-bar phase-${/^[a-z]+$/.test(phase.name) ? phase.name : "other"}`, title: `${title(phase.name)}: ${duration(phase.duration_ns / 1e6)}` });
  element.style.left = `${(phase.start_ns / total) * 100}%`;
  element.style.width = `max(2px, ${(phase.duration_ns / total) * 100}%)`;
  return element;
}

function legend(phases) {
  return h("span", { class: "fall-legend" }, phases.map((phase) =>
    h("span", {}, h("i", { class: `swatch phase-${/^[a-z]+$/.test(phase.name) ? phase.name : "other"}` }), `${title(phase.name)} `, h("b", { class: "num" }, duration(phase.duration_ns / 1e6))),
  ));
}
