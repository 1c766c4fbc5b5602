// Bodies octet by octet, as transferred, and decoded where they were compressed.

import * as api from "./api.js";
import { h, put } from "./dom.js";
import { bytes } from "./format.js";
import { hex } from "./hex.js";
import { section } from "./tab-body.js";

export function tabHex(x, { signal }) {
  return ["response", "request"].flatMap((side) => {
    const part = x[side];
    const title = side === "request" ? "Request body" : "Response body";
    if (!part || part.kept === 0) return [section(title, null, h("p", { class: "none" }, part && part.size > 0 ? "Not kept." : "Empty"))];
    const compressed = part.body.encodings.length > 0;
    const views = [view(x, side, title, false, signal)];
    if (compressed && !part.body.decode_error) views.push(view(x, side, `${title}, decoded`, true, signal));
    return views;
  });
}

function view(x, side, title, decoded, signal) {
  const place = h("div", { class: "hex-place-holder" }, h("p", { class: "none" }, "Loading…"));
  const part = x[side];
  const facts = decoded ? bytes(part.body.decoded_size) : [bytes(part.kept), ...part.body.encodings].join(" · ");
  api.body(x.id, side, { decoded, signal }).then(
    (octets) => put(place, hex(octets, title)),
    (error) => error.name === "AbortError" || put(place, h("p", { class: "none" }, error.message)),
  );
  return section(title, facts, place);
}
