// Where the time went: phases on one scale, then the numbers.

import { h } from "./dom.js";
import { duration, moment } from "./format.js";
import { pairTable } from "./headers.js";
import { section } from "./tab-body.js";
import { waterfall } from "./waterfall.js";

const ms = (ns) => (ns === null ? "–" : duration(ns / 1e6));

export function tabTiming(x) {
  const { timing } = x;
  const handlers = timing.handlers.filter((one) => one.duration_ns > 0);
  return [
    section("Phases", `${ms(timing.total_ns)} in all`, timing.phases.length > 0 ? waterfall(timing) : h("p", { class: "none" }, "None yet.")),
    section("Numbers", null, pairTable([
      ["Began", moment(x.start)],
      ["First byte after", ms(timing.first_byte_ns)],
      ["Connect", ms(timing.connect_ns)],
      ["Total", ms(timing.total_ns)],
    ], "Times")),
    handlers.length > 0 && section("Handlers", null, pairTable(handlers.map((one) => [one.name ?? one.kind, `${ms(one.duration_ns)} on the ${one.side}`]), "Time of each handler")),
  ];
}
