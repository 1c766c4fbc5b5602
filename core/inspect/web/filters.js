// The filter bar: a field for free text, a drop-down with a form per filter, and a chip for each
// that is set. What is set stands in the page's address.

import { add, button, h, icon, put } from "./dom.js";
import { count } from "./format.js";
import { closeMenu, openMenu, openPanel } from "./menu.js";
import { describe, isStatus, nothing, parseDuration, parseSize, parseTerm } from "./query.js";

const TYPING_MS = 180;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const STATUSES = ["2xx", "3xx", "4xx", "5xx", "101"];

export class Filters {
  #bar;
  #set;
  #endpoints;
  #input;
  #chips;
  #tally;
  #add;
  #typing = null;

  /** `set(changes)` puts filters into the address; `endpoints()` names those that there are. */
  constructor(bar, { set, endpoints, tools }) {
    this.#bar = bar;
    this.#set = set;
    this.#endpoints = endpoints;
    this.#input = h("input", {
      class: "field",
      type: "search",
      id: "search",
      placeholder: "Search headers and bodies",
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": "Search; also status:5xx, path:/api, >250ms",
      title: "Free text, or status:5xx  path:/api  method:post  header:accept:json  >250ms  <10kb and Enter",
      on: { input: () => this.#typed(), keydown: (event) => this.#key(event) },
    });
    this.#chips = h("span", { class: "chips", role: "list", "aria-label": "Filters" });
    this.#tally = h("span", { class: "tally num", role: "status" });
    this.#add = button("Filter", () => this.menu(), { glyph: "filter", "aria-haspopup": "menu", "aria-expanded": "false" });
    put(
      bar,
      h("span", { class: "search" }, icon("search"), this.#input, h("kbd", { "aria-hidden": "true" }, "/")),
      this.#add,
      this.#chips,
      h("span", { class: "grow" }),
      this.#tally,
      tools,
    );
  }

  focus() {
    this.#input.focus();
    this.#input.select();
  }

  /** Shows these filters. */
  show(filter) {
    if (document.activeElement !== this.#input || !this.#typing) this.#input.value = filter.get("q") ?? "";
    const chips = [...filter].filter(([name]) => name !== "q").map(([name, value]) => this.#chip(name, value));
    put(this.#chips, chips);
    if (chips.length > 0 || filter.has("q")) add(this.#chips, [button("Clear filters", () => this.#set(nothing()), { kind: "ghost", small: true })]);
  }

  /** Says how many rows there are. */
  tally(n, more, filtered) {
    const noun = n === 1 ? "exchange" : "exchanges";
    const text = n === 0 && !filtered ? "" : `${count(n)}${more ? "+" : ""} ${filtered ? (n === 1 ? "match" : "matches") : noun}`;
    if (this.#tally.textContent !== text) this.#tally.textContent = text;
  }

  #chip(name, value) {
    const [title, shown] = describe(name, value);
    return h(
      "span",
      { class: "chip", role: "listitem", data: { filter: name } },
      h("span", {}, title),
      h("span", { class: "chip-value", title: shown }, shown),
      h(
        "button",
        {
          type: "button",
          "aria-label": `Remove filter: ${title} ${shown}`,
          on: {
            click: () => {
              this.#set({ [name]: null });
              this.#add.focus();
            },
          },
        },
        icon("close"),
      ),
    );
  }

  #typed() {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#search(), TYPING_MS);
  }

  #search() {
    clearTimeout(this.#typing);
    this.#typing = null;
    const value = this.#input.value.trim();
    // `status:4` may still become a filter of its own; it is one with Enter.
    if (!/^([<>]|\w+:)/.test(value)) this.#set({ q: value });
  }

  #key(event) {
    if (event.key === "Enter") {
      const term = parseTerm(this.#input.value);
      clearTimeout(this.#typing);
      this.#typing = null;
      if (term) {
        this.#input.value = "";
        this.#set({ ...term, q: null });
      } else this.#set({ q: this.#input.value.trim() });
    } else if (event.key === "Escape") {
      event.stopPropagation();
      if (this.#input.value) {
        this.#input.value = "";
        this.#search();
      } else this.#input.blur();
    }
  }

  /** Opens the drop-down. */
  menu() {
    const item = (label, hint, form) => ({ label, hint, act: () => this.#form(label, form) });
    openMenu(
      this.#add,
      [
        item("Path", "contains", () => this.#text("path", "/api/")),
        item("Status", "5xx, 404", () => this.#status()),
        item("Method", "POST", () => this.#choice("method", METHODS)),
        item("Duration", "≥ 250 ms", () => this.#range("ms", "250 ms", parseDuration)),
        item("Size", "≥ 10 kB", () => this.#range("size", "10 kB", parseSize)),
        item("Header", "name: value", () => this.#text("header", "content-type:json")),
        item("Endpoint", "", () => this.#choice("endpoint", this.#endpoints())),
        item("Free text", "anywhere", () => this.#text("q", "order-1234")),
      ],
      "Add a filter",
    );
  }

  #form(label, form) {
    openPanel(this.#add, form(), { label: `Filter by ${label.toLowerCase()}` });
  }

  #apply(changes) {
    closeMenu({ refocus: true });
    this.#set(changes);
  }

  #text(name, placeholder) {
    const input = h("input", { class: "field mono", placeholder, "aria-label": describe(name, "")[0], value: this.#current(name), spellcheck: "false" });
    const hint = name === "header" ? "A name and a part of its value, or only a part of any value." : null;
    return form(() => this.#apply({ [name]: input.value.trim() }), input, hint && h("p", { class: "dim" }, hint));
  }

  #status() {
    const input = h("input", { class: "field mono", placeholder: "404, 5xx or 400-499", "aria-label": "Statuses", value: this.#current("status") });
    return [
      h("div", { class: "menu-form" }, h("div", { class: "menu-row" }, STATUSES.map((value) => button(value, () => this.#apply({ status: value }), { small: true })))),
      form(() => (isStatus(input.value) ? this.#apply({ status: input.value.trim() }) : "Say 404, 5xx or 400-499."), input),
    ];
  }

  #choice(name, values) {
    return h(
      "div",
      { class: "menu-choices" },
      values.length === 0 && h("p", { class: "menu-form dim" }, "There is nothing to choose from yet."),
      values.map((value) => h("button", { type: "button", class: "menu-item", on: { click: () => this.#apply({ [name]: value }) } }, value)),
    );
  }

  #range(unit, placeholder, parse) {
    const field = (title, bound) =>
      h("input", { class: "field", placeholder: bound === "min" ? placeholder : "no limit", "aria-label": title, value: this.#current(`${bound}_${unit}`) });
    const least = field("At least", "min");
    const most = field("At most", "max");
    const submit = () => {
      const changes = {};
      for (const [bound, input] of [["min", least], ["max", most]]) {
        const value = input.value.trim() ? parse(input.value) : "";
        input.setAttribute("aria-invalid", String(value === null));
        if (value === null) return unit === "ms" ? "Say 250, 250 ms or 1.5 s." : "Say 512, 10 kB or 1.5 MB.";
        changes[`${bound}_${unit}`] = value;
      }
      return this.#apply(changes);
    };
    return form(submit, h("label", {}, "At least", least), h("label", {}, "At most", most));
  }

  #current(name) {
    return new URLSearchParams(location.search).get(name) ?? "";
  }
}

/** `submit` returns what is wrong, or nothing. */
function form(submit, ...content) {
  const wrong = h("p", { class: "wrong", role: "alert" });
  const onsubmit = (event) => {
    event.preventDefault();
    wrong.textContent = submit() ?? "";
  };
  return h("form", { class: "menu-form", on: { submit: onsubmit } }, content, wrong, h("button", { class: "button primary", type: "submit" }, "Apply"));
}

