// Where the time went: phases on one scale, then the numbers.

import { h } from "./dom.js";
import { duration, moment } from "./format.js";
import { pairTable } from "./headers.js";
import { section } from "./tab-body.js";
import { phases, waterfall } from "./waterfall.js";

const ms = (ns) => (ns === null ? "–" : duration(ns / 1e6));

export function tabTiming(x) {
  const { timing } = x;
  const parts = phases(timing);
  return [
    section("Phases", `${ms(timing.total_ns)} in all`, parts.length > 0 ? waterfall(timing) : h("p", { class: "none" }, "None yet.")),
    section("Numbers", null, pairTable([
      ["Began", moment(x.start)],
      ["Head of the response after", ms(timing.to_head_ns)],
      ["Total", ms(timing.total_ns)],
      ...(timing.edge_ns === null ? [] : [["Beyond that, to the edge and back", ms(timing.edge_ns)]]),
    ], "Times")),
    timing.decisions.length > 0 && section("Handlers", null, pairTable(timing.decisions.map((one) => [one.link, `${ms(one.duration_ns)} on the way of the ${one.side}`]), "Time of each handler")),
  ];
}
