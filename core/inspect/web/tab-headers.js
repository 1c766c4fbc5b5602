// Headers and trailers of both sides.

import { h } from "./dom.js";
import { headerTable } from "./headers.js";
import { section } from "./tab-body.js";

export function tabHeaders(x) {
  return ["request", "response"].map((side) => {
    const part = x[side];
    const title = side === "request" ? "Request" : "Response";
    if (!part) return section(title, null, h("p", { class: "none" }, "None"));
    return [
      section(title, h("span", { class: "mono" }, part.start_line), headerTable(part.headers, `${x.id}/${side}`, `${title} headers`)),
      part.trailers.length > 0 && section(`${title} trailers`, null, headerTable(part.trailers, `${x.id}/${side}/trailers`, `${title} trailers`)),
    ];
  });
}
