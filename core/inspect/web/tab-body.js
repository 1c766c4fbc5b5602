// Bodies: pretty JSON and XML with the place of a mistake, fields of forms, images, and what else
// is text. What is neither is for the hex view.

import * as api from "./api.js";
import { button, h, icon } from "./dom.js";
import { bytes, count } from "./format.js";
import { code } from "./code.js";
import { pairTable } from "./headers.js";
import { copy } from "./toast.js";

/** Both bodies. */
export function tabBody(x, act) {
  return [bodySection(x, "request", act), bodySection(x, "response", act)];
}

/** One body with its heading. `brief` leaves out what the summary has no room for. */
export function bodySection(x, side, act, { brief = false } = {}) {
  const part = x[side];
  const title = side === "request" ? "Request body" : "Response body";
  if (!part) return section(title, null, h("p", { class: "none" }, x.state === "open" ? "No response yet." : "There was no response."));
  const { body } = part;
  if (body.kind === "empty" && part.size === 0) return section(title, "empty", null);
  const facts = [body.media_type, bytes(part.size)];
  if (body.encodings.length > 0) facts.push(`${body.encodings.join(", ")} → ${bytes(body.decoded_size)}`);
  const tools = !brief && [
    body.text !== null && button("Copy", () => copy(body.text, "the body"), { glyph: "copy", small: true, kind: "ghost" }),
    h("a", { class: "button ghost small", href: api.bodyUrl(x.id, side, body.encodings.length > 0), download: true }, icon("down"), "Download"),
  ];
  return section(title, facts.filter(Boolean).join(" · "), [warnings(part, x.state), content(x, side, act)], tools);
}

/** A heading with facts, tools at its right, and what it is about. */
export function section(title, facts, content, tools) {
  return h(
    "section",
    { class: "part" },
    h("header", { class: "part-head" }, h("h2", {}, title), facts && h("span", { class: "part-facts num" }, facts), h("span", { class: "grow" }), tools),
    content,
  );
}

function warnings(part, state) {
  const { body } = part;
  return [
    part.truncated && state !== "open" && warning(`Only the first ${bytes(part.kept)} of ${bytes(part.size)} were kept.`),
    body.decoded_truncated && warning(`Decoding stopped at ${bytes(body.decoded_size)}.`),
    body.decode_error && warning(`It could not be decoded: ${body.decode_error}`),
    body.error && warning(`Not valid ${body.kind.toUpperCase()}: ${body.error.message}, line ${count(body.error.line)}, column ${count(body.error.column)}`),
    body.text_truncated && warning("Only the first part is shown here; download it to see all."),
  ];
}

const warning = (text) => h("p", { class: "warning" }, icon("warn"), text);

function content(x, side, act) {
  const { body, kept, size } = x[side];
  const label = side === "request" ? "Request body" : "Response body";
  if (x.state === "open" && kept === 0 && size > 0) return h("p", { class: "none" }, "Under way; it is shown when it is over.");
  if (body.image) return image(x, side, label);
  if (body.fields?.length > 0) return fields(body.fields, label);
  if (body.text !== null) return code(body.text, { kind: body.kind === "html" ? "xml" : body.kind, error: body.error, label });
  const what = body.kind === "grpc" ? "gRPC messages" : `${bytes(kept)} of binary data`;
  return h(
    "p",
    { class: "none" },
    `${what}. `,
    h("button", { type: "button", class: "linkish", on: { click: () => act.setTab(body.kind === "grpc" ? "messages" : "hex") } }, body.kind === "grpc" ? "See the messages" : "See it as hex"),
  );
}

// Only this address gives a picture; what it sends is a known raster format and nothing else.
function image(x, side, label) {
  const size = h("figcaption", { class: "dim num" }, x[side].body.image);
  const picture = h("img", { src: api.bodyUrl(x.id, side, true), alt: `${label}, an image` });
  picture.addEventListener("load", () => (size.textContent = `${x[side].body.image} · ${picture.naturalWidth} × ${picture.naturalHeight}`));
  picture.addEventListener("error", () => picture.replaceWith(h("p", { class: "none" }, "The browser cannot show this image.")));
  return h("figure", { class: "picture" }, picture, size);
}

function fields(list, label) {
  const shown = list.map((field) => {
    const facts = [field.file_name && `file ${field.file_name}`, field.content_type, field.value === null && bytes(field.size)].filter(Boolean);
    return [field.name, [field.value, facts.length > 0 && h("span", { class: "field-facts" }, facts.join(" · "))]];
  });
  return pairTable(shown, `${label}: fields`);
}
