// The exchange as text: start line, headers, an empty line, and the body as it was transferred.

import * as api from "./api.js";
import { h } from "./dom.js";
import { bytes } from "./format.js";
import { value } from "./headers.js";
import { section } from "./tab-body.js";

const SHOWN_BYTES = 256 * 1024;

export function tabRaw(x, { signal }) {
  return ["request", "response"].map((side) => {
    const part = x[side];
    const title = side === "request" ? "Request" : "Response";
    if (!part) return section(title, null, h("p", { class: "none" }, "None"));
    const body = h("span", { class: "raw-body" });
    const text = h(
      "pre",
      { class: "raw", tabindex: "0", role: "region", "aria-label": `${title}, raw` },
      h("b", {}, part.start_line),
      "\n",
      lines(part.headers, `${x.id}/${side}`),
      "\n",
      body,
      part.trailers.length > 0 && ["\n", lines(part.trailers, `${x.id}/${side}/trailers`)],
    );
    void fill(body, x, side, signal);
    return section(title, `${bytes(part.size)} body`, text);
  });
}

const lines = (headers, scope) =>
  headers.map((header, n) => [h("span", { class: "t-name" }, header.name), ": ", value(header.value, { ...header, key: `${scope}/${n}/${header.name}` }), "\n"]);

async function fill(place, x, side, signal) {
  const part = x[side];
  if (part.kept === 0) return;
  if (part.body.encodings.length > 0) {
    place.append(h("span", { class: "dim" }, `[${bytes(part.kept)} of ${part.body.encodings.join(", ")}; the Hex tab has them]`));
    return;
  }
  try {
    const octets = await api.body(x.id, side, { signal });
    // What is not UTF-8 becomes U+FFFD: this is for eyes, the hex view is exact.
    place.append(new TextDecoder().decode(octets.subarray(0, SHOWN_BYTES)));
    if (octets.length > SHOWN_BYTES) place.append(h("span", { class: "dim" }, `\n[${bytes(octets.length - SHOWN_BYTES)} more]`));
  } catch (error) {
    if (error.name !== "AbortError") place.append(h("span", { class: "dim" }, `[${error.message}]`));
  }
}
