// WebSocket frames and gRPC messages as they pass. New ones are fetched when the list hears that
// there are more; what was drawn stays.

import * as api from "./api.js";
import { button, h, put } from "./dom.js";
import { bytes, count, duration, plural } from "./format.js";
import { code } from "./code.js";
import { hex, textLine } from "./hex.js";

const PREVIEW = 400;
const PREVIEW_OCTETS = 160;
// Older ones leave the document; a socket may talk for days.
const KEPT_ROWS = 2000;

export function tabMessages(x, { signal }) {
  const list = h("ol", { class: "messages", role: "log", "aria-label": "Messages" });
  const summary = h("span", { class: "part-facts num", role: "status" });
  const from = { all: "Both ways", client: "From the visitor", server: "From the upstream" };
  const pick = h("select", { class: "field small", "aria-label": "Direction", on: { change: () => (list.dataset.only = pick.value) } }, Object.entries(from).map(([value, label]) => h("option", { value }, label)));
  list.dataset.only = "all";
  const state = { last: null, total: 0, dropped: 0, busy: false, again: false };

  const fetchMore = async () => {
    if (state.busy) {
      state.again = true;
      return;
    }
    state.busy = true;
    try {
      let more = true;
      while (more && !signal.aborted) {
        const page = await api.messages(x.id, state.last, signal);
        state.total = page.total;
        state.dropped = page.first === null ? 0 : page.first - 1;
        const atEnd = isAtEnd(list);
        list.append(...page.messages.map(message));
        while (list.childElementCount > KEPT_ROWS) list.firstElementChild.remove();
        if (atEnd) list.lastElementChild?.scrollIntoView({ block: "nearest" });
        state.last = page.messages.at(-1)?.n ?? state.last;
        more = page.more && page.messages.length > 0;
      }
      summary.textContent = plural(state.total, "message") + (state.dropped > 0 ? `, ${count(state.dropped)} not kept` : "");
      if (state.total === 0 && !list.hasChildNodes()) put(list, h("li", { class: "none" }, "None yet; they appear as they pass."));
      else list.querySelector("li.none")?.remove();
    } catch (error) {
      if (error.name !== "AbortError") summary.textContent = error.message;
    } finally {
      state.busy = false;
      if (state.again && !signal.aborted) {
        state.again = false;
        void fetchMore();
      }
    }
  };
  void fetchMore();
  const content = h("section", { class: "part" }, h("header", { class: "part-head" }, h("h2", {}, "Messages"), summary, h("span", { class: "grow" }), pick), list);
  return { content, update: () => void fetchMore() };
}

const isAtEnd = (list) => {
  const pane = list.closest(".tab-content");
  return !pane || pane.scrollHeight - pane.scrollTop - pane.clientHeight < 60;
};

function message(one) {
  const out = one.from === "client";
  const preview = one.text !== null && one.kind !== "close" ? one.text.slice(0, PREVIEW) : one.kind === "close" ? [one.code, one.text].filter(Boolean).join(" ") : printable(octetsOf(one));
  const row = h(
    "li",
    { class: `message from-${out ? "client" : "server"} message-${/^[a-z]+$/.test(one.kind) ? one.kind : "other"}` },
    h("span", { class: "message-way", title: out ? "from the visitor" : "from the upstream" }, h("span", { "aria-hidden": "true" }, out ? "↑" : "↓"), h("span", { class: "visually-hidden" }, out ? "from the visitor" : "from the upstream")),
    h("span", { class: "message-time num" }, duration(one.at_ns / 1e6)),
    h("span", { class: "message-kind" }, one.kind),
    h("span", { class: "message-text mono" }, preview),
    h("span", { class: "message-size num" }, bytes(one.size)),
  );
  const long = one.text === null ? one.size > 0 : one.text.length > 120 || /^[[{]/.test(one.text);
  if (long) row.append(button("Open", (event) => toggle(event.currentTarget, row, one), { small: true, kind: "ghost", "aria-expanded": "false" }));
  return row;
}

function toggle(control, row, one) {
  const whole = row.querySelector(".message-whole");
  control.setAttribute("aria-expanded", String(!whole));
  control.textContent = whole ? "Open" : "Close";
  if (whole) whole.remove();
  else row.append(h("div", { class: "message-whole" }, body(one), one.truncated && h("p", { class: "dim" }, "The rest was not kept.")));
}

function body(one) {
  if (one.text !== null) {
    try {
      return code(JSON.stringify(JSON.parse(one.text), null, 2), { kind: "json", label: "Message" });
    } catch {
      return code(one.text, { label: "Message" });
    }
  }
  return hex(octetsOf(one), "Message");
}

const octetsOf = (one) => Uint8Array.from(atob(one.base64 ?? ""), (character) => character.charCodeAt(0));

/** What can be read of octets: names and texts stand out in most formats. */
const printable = (octets) => textLine(octets, 0, PREVIEW_OCTETS);
