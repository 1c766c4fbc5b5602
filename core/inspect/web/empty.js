// What the list shows while it is empty: where to send the first request, or why nothing passes.

import { button, h, put, svg } from "./dom.js";
import { copy } from "./toast.js";

/** The place for it. */
export const emptyPlace = () => h("div", { class: "empty", hidden: true });

/** Fills the place for these endpoints. */
export function showEmpty(place, { endpoints, filtered, capture, clearFilters }) {
  if (filtered) {
    put(place, h("h1", {}, "Nothing matches"), h("p", {}, "No exchange passes all of these filters. New ones that do appear here by themselves."), button("Clear filters", clearFilters));
    return;
  }
  const web = endpoints.filter((one) => /^https?:/.test(one.public_url));
  const captured = web.filter((one) => one.inspect);
  const urls = captured.map((one) => one.public_url);
  if (capture === false || (web.length > 0 && captured.length === 0)) {
    put(place, mark(), h("h1", {}, "Nothing is captured"), h("p", {}, capture === false ? "Capturing is off: inspect_db_size is -1." : "None of the endpoints is inspected: each has “inspect: false”."));
    return;
  }
  put(
    place,
    mark(),
    h("h1", {}, urls.length > 0 ? "Waiting for the first request" : "No HTTP endpoint yet"),
    h("p", {}, urls.length > 0 ? "Whatever reaches one of these addresses appears here as it happens." : "TCP and TLS endpoints are carried without being read, so they never appear here; the status page counts them."),
    urls.length > 0 && h(
      "div",
      { class: "try" },
      urls.map((url) => h("div", { class: "try-line" }, h("a", { href: url, target: "_blank", rel: "noreferrer noopener" }, url), copyButton(url, "the URL"))),
      h("div", { class: "try-line" }, h("span", { class: "prompt", "aria-hidden": "true" }, "$"), h("code", {}, `curl -i ${urls[0]}/`), copyButton(`curl -i ${urls[0]}/`, "the command")),
    ),
  );
}

const copyButton = (text, what) => button(`Copy ${what}`, () => copy(text, what), { glyph: "copy", iconOnly: true, kind: "ghost", small: true });

function mark() {
  return svg(
    "svg",
    { class: "mark", viewBox: "0 0 32 32", "aria-hidden": "true" },
    svg("path", { class: "mark-hill", d: "M2 30V16a14 14 0 0 1 28 0v14z" }),
    svg("path", { class: "mark-mouth", d: "M7 30V17a9 9 0 0 1 18 0v13z" }),
    svg("path", { class: "mark-lamp", d: "M13 30v-8a3 3 0 0 1 6 0v8z" }),
  );
}
