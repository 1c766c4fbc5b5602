// How elements are made. Text only ever becomes a text node: there is no way in here to have a
// string read as markup, as a style attribute or as a handler.

const SVG = "http://www.w3.org/2000/svg";
const FORBIDDEN = /^(on|style$|srcdoc$|innerhtml$|outerhtml$)/i;

/** Makes an element: `h("a", {class: "x", href: "/", on: {click}}, "text", child, …)`. */
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same for SVG. */
export function svg(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else if (name === "value") {
      element.value = value;
    } else if (FORBIDDEN.test(name)) {
      throw new Error(`attribute ${name} is not set here`);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  add(element, children);
  return element;
}

/** Appends strings, numbers, nodes, and lists of these; leaves out what is null or false. */
export function add(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) add(element, child);
    else element.append(child instanceof Node ? child : String(child));
  }
}

/** Replaces what an element holds. */
export function put(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

export const $ = (selector, root = document) => root.querySelector(selector);

const ICONS = {
  arrowLeft: "M10 3 5 8l5 5",
  check: "M3 8.5 6.5 12 13 4.5",
  chevron: "M4 6l4 4 4-4",
  clear: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5",
  close: "M4 4l8 8M12 4l-8 8",
  compare: "M2.5 3h4v10h-4zM9.5 3h4v10h-4z",
  copy: "M5.5 5.5h7v8h-7zM10.5 5.5v-3h-7v8h2",
  down: "M8 3v9M4.5 8.5 8 12l3.5-3.5",
  edit: "M3 13l.7-3L10.5 3.2l2.3 2.3L6 12.3zM9.2 4.5l2.3 2.3",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z",
  file: "M4 2h5l3 3v9H4zM9 2v3h3",
  filter: "M2 3.5h12M4.5 8h7M6.5 12.5h3",
  link: "M6.5 9.5l3-3M7 4.5 8.7 2.8a2.7 2.7 0 0 1 3.8 3.8L10.8 8.3M9 11.5l-1.7 1.7a2.7 2.7 0 0 1-3.8-3.8L5.2 7.7",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  plus: "M8 3.5v9M3.5 8h9",
  reload: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v2.3h-2.3",
  replay: "M3 8a5 5 0 1 0 1.6-3.7M3 2.5v2.3h2.3",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3 13.5 13.5",
  sun: "M8 5.3a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4zM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  up: "M8 13V4M4.5 7.5 8 4l3.5 3.5",
  warn: "M8 2.5 14.5 13.5h-13zM8 6.5v3.2M8 11.6h.01",
};

/** A small line drawing, hidden from assistive technology: the control beside it has the label. */
export function icon(name) {
  return svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

/** A button. `label` is its text, or with `iconOnly` what is read aloud and shown as a hint. */
export function button(label, onclick, { kind = "", glyph, iconOnly = false, small = false, ...rest } = {}) {
  const classes = ["button", kind, iconOnly && "icon-only", small && "small"].filter(Boolean).join(" ");
  return h(
    "button",
    { type: "button", class: classes, on: { click: onclick }, ...(iconOnly ? { "aria-label": label, title: label } : {}), ...rest },
    glyph && icon(glyph),
    !iconOnly && label,
  );
}
