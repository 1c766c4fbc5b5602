// Octets as a person reads them: place, sixteen in hexadecimal, the same as text. Only the rows
// that can be seen are drawn, so a body of many megabytes is no matter.

import { h } from "./dom.js";
import { Virtual } from "./virtual.js";

const ROW_PX = 20;

/** A view of octets. */
export function hex(octets, label) {
  const canvas = h("div", { class: "hex-canvas" });
  const view = h("div", { class: "hex", tabindex: "0", role: "region", "aria-label": label }, canvas);
  const perRow = matchMedia("(max-width: 719px)").matches ? 8 : 16;
  const rows = Math.ceil(octets.length / perRow);
  view.style.setProperty("--rows", String(Math.min(rows, 40)));
  view.style.setProperty("--per-row", String(perRow));
  const list = new Virtual(view, canvas, {
    count: () => rows,
    key: (index) => index,
    create: () => h("div", { class: "hex-row" }, h("span", { class: "hex-place" }), h("span", { class: "hex-octets" }), h("span", { class: "hex-text" })),
    update: (element, index) => fill(element, octets, index * perRow, perRow),
    height: () => ROW_PX,
  });
  list.refresh();
  return view;
}

function fill(element, octets, from, perRow) {
  if (element.dataset.from === String(from)) return;
  element.dataset.from = String(from);
  const [place, numbers, text] = element.children;
  place.textContent = from.toString(16).padStart(8, "0");
  numbers.textContent = hexLine(octets, from, perRow);
  text.textContent = textLine(octets, from, perRow);
}

/** `48 65 6c 6c  6f …`: two blanks in the middle. */
export function hexLine(octets, from, perRow) {
  const parts = [];
  for (let n = 0; n < perRow; n += 1) {
    const octet = octets[from + n];
    parts.push(octet === undefined ? "  " : octet.toString(16).padStart(2, "0"));
    if (n === perRow / 2 - 1) parts.push("");
  }
  return parts.join(" ");
}

/** Printable ASCII, a dot for everything else. */
export function textLine(octets, from, perRow) {
  let out = "";
  for (const octet of octets.subarray(from, from + perRow)) out += octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : "·";
  return out;
}
