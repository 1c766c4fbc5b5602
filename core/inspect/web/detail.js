// The pane of one exchange: what it was, what can be done with it, and its tabs.

import * as api from "./api.js";
import { button, h, icon, put } from "./dom.js";
import { failure } from "./failure.js";
import { ago, duration, moment, statusKind } from "./format.js";
import { openMenu } from "./menu.js";
import { copy } from "./toast.js";
import { tabBody } from "./tab-body.js";
import { tabDecisions } from "./tab-decisions.js";
import { tabHeaders } from "./tab-headers.js";
import { tabHex } from "./tab-hex.js";
import { tabMessages } from "./tab-messages.js";
import { tabRaw } from "./tab-raw.js";
import { tabSummary } from "./tab-summary.js";
import { tabTiming } from "./tab-timing.js";

const TABS = [
  { id: "summary", label: "Summary", draw: tabSummary },
  { id: "headers", label: "Headers", draw: tabHeaders },
  { id: "body", label: "Body", draw: tabBody },
  { id: "raw", label: "Raw", draw: tabRaw },
  { id: "hex", label: "Hex", draw: tabHex },
  { id: "timing", label: "Timing", draw: tabTiming },
  { id: "decisions", label: "Decisions", draw: tabDecisions },
  { id: "messages", label: "Messages", draw: tabMessages, only: (x) => x.kind !== "http" },
];

// An exchange that streams changes often; drawing four times a second is enough.
const AGAIN_MS = 250;

export class Detail {
  #pane;
  #act;
  #id = null;
  #tab = "summary";
  #shown = null;
  #loading = null;
  #isStale = false;
  #stop = new AbortController();
  #again = null;
  #content = null;
  #updateTab = null;

  /** `act`: `{close, replay, edit, compare, mark, exportHar, open, setTab}`. */
  constructor(pane, act) {
    this.#pane = pane;
    this.#act = act;
  }

  /** The exchange that is selected, as the agent told it: what a key does to it may have to wait. */
  async selected() {
    await this.#loading;
    return this.#shown;
  }

  /** Shows an exchange; null closes the pane. */
  async show(id, tab) {
    const sameTab = this.#tab === (tab ?? "summary");
    this.#tab = TABS.some((one) => one.id === tab) ? tab : "summary";
    if (id === this.#id) {
      if (this.#shown && !sameTab) this.#draw();
      if (this.#isStale && !sameTab) this.#loading = this.#load({ fresh: false });
      return;
    }
    this.#id = id;
    this.#halt();
    this.#pane.hidden = id === null;
    this.#shown = null;
    if (id === null) {
      put(this.#pane);
      return;
    }
    this.#loading = this.#load({ fresh: true });
    await this.#loading;
  }

  /** Takes over what the list heard of this exchange. */
  heard(row) {
    if (row.id !== this.#id || this.#again) return;
    if (this.#updateTab) {
      // The tab follows by itself; only the head is drawn again, and the rest when it is looked at.
      this.#isStale = true;
      Object.assign(this.#shown ?? {}, row);
      if (this.#shown) this.#pane.querySelector(".exchange-head")?.replaceWith(this.#head(this.#shown));
      this.#updateTab(row);
      return;
    }
    this.#again = setTimeout(() => {
      this.#again = null;
      void this.#load({ fresh: false });
    }, AGAIN_MS);
  }

  /** Shows the tab that is so many further. */
  step(by) {
    const tabs = this.#tabs();
    const at = tabs.findIndex((tab) => tab.id === this.#tab);
    const next = tabs[(at + by + tabs.length) % tabs.length];
    if (next) this.#act.setTab(next.id);
  }

  focus() {
    this.#pane.focus({ preventScroll: true });
  }

  async copyCurl(secrets = "mask") {
    await copy(await api.curl(this.#id, secrets), secrets === "mask" ? "as curl, secrets masked" : "as curl, with secrets");
  }

  #halt() {
    this.#stop.abort();
    this.#stop = new AbortController();
    clearTimeout(this.#again);
    this.#again = null;
    this.#updateTab = null;
  }

  async #load({ fresh }) {
    const id = this.#id;
    const { signal } = this.#stop;
    try {
      const exchange = await api.exchange(id, signal);
      if (id !== this.#id) return;
      this.#shown = exchange;
      this.#isStale = false;
      this.#draw({ keepScroll: !fresh });
    } catch (error) {
      if (error.name === "AbortError" || id !== this.#id) return;
      put(this.#pane, h("div", { class: "detail-gone" }, h("p", {}, error.status === 404 ? "This exchange is gone: newer ones took its place, or it was cleared." : error.message), button("Close", this.#act.close)));
    }
  }

  #tabs() {
    return TABS.filter((tab) => !tab.only || (this.#shown && tab.only(this.#shown)));
  }

  #draw({ keepScroll = false } = {}) {
    const x = this.#shown;
    const scroll = keepScroll ? (this.#content?.scrollTop ?? 0) : 0;
    const focused = this.#pane.contains(document.activeElement) ? document.activeElement.id : "";
    clearTimeout(this.#again);
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#again = null;
    const tabs = this.#tabs();
    const tab = tabs.find((one) => one.id === this.#tab) ?? tabs[0];
    this.#content = h("div", { class: `tab-content tab-${tab.id}`, role: "tabpanel", id: "tab-content", "aria-labelledby": `tab-${tab.id}` });
    const drawn = tab.draw(x, { open: this.#act.open, setTab: this.#act.setTab, signal: this.#stop.signal });
    this.#updateTab = drawn.update ?? null;
    put(this.#content, drawn.update ? drawn.content : drawn);
    put(this.#pane, this.#head(x), this.#tabBar(tabs, tab), this.#content);
    this.#content.scrollTop = scroll;
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  #tabBar(tabs, current) {
    const bar = h("div", { class: "tabs", role: "tablist", "aria-label": "Parts of the exchange" }, tabs.map((tab) =>
      h(
        "button",
        {
          type: "button",
          class: "tab",
          role: "tab",
          id: `tab-${tab.id}`,
          "aria-selected": String(tab === current),
          "aria-controls": "tab-content",
          tabindex: tab === current ? "0" : "-1",
          on: { click: () => this.#act.setTab(tab.id) },
        },
        tab.label,
      ),
    ));
    bar.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      this.step(by);
      document.getElementById(`tab-${this.#tab}`)?.focus();
    });
    return bar;
  }

  #head(x) {
    const status = x.status ?? (x.state === "failed" ? "failed" : "under way");
    const facts = [
      h("time", { datetime: x.start, title: moment(x.start) }, `${moment(x.start)} (${ago(x.start)})`),
      x.duration_ns !== null && h("span", {}, duration(x.duration_ns / 1e6)),
      x.remote_addr && h("span", {}, `from ${x.remote_addr}`),
      h("span", {}, `endpoint ${x.endpoint}`),
      x.decided_by && h("span", {}, "answered by ", h("b", {}, x.decided_by)),
      x.imported && h("span", {}, "imported"),
      x.replay_of && h("span", {}, "replay of ", h("button", { type: "button", class: "linkish", on: { click: () => this.#act.open(x.replay_of) } }, x.replay_of)),
    ];
    return h(
      "header",
      { class: "exchange-head" },
      h(
        "div",
        { class: "exchange-title" },
        button("Close", this.#act.close, { glyph: "close", iconOnly: true, kind: "ghost", small: true, id: "close-detail" }),
        h("h1", { class: "mono" }, h("span", { class: "exchange-method" }, x.method), " ", h("span", { class: "exchange-path" }, x.path)),
        h("span", { class: `pill kind-${x.state === "failed" && !x.status ? "server" : statusKind(x.status)}`, id: "exchange-status" }, status),
      ),
      h("div", { class: "facts" }, facts),
      x.error && x.error !== "refused" && h("p", { class: "exchange-error" }, icon("warn"), failure(x.error)),
      this.#actions(x),
    );
  }

  #actions(x) {
    const more = button("More", () =>
      openMenu(more, [
        { label: "Copy as curl, with secrets", act: () => this.copyCurl("include") },
        { label: "Copy the URL", act: () => copy(this.#act.urlOf(x), "the URL") },
        { label: "Copy the id", hint: x.id.slice(-6), act: () => copy(x.id, "the id") },
        null,
        { label: "Mark", hint: "x", act: () => this.#act.mark(x.id) },
        { label: "Export as HAR…", act: () => this.#act.exportHar([x.id]) },
      ], "More"), { glyph: "more", iconOnly: true, "aria-haspopup": "menu", "aria-expanded": "false", id: "act-more" });
    const label = x.replay_of ? "Compare with original" : "Compare";
    return h(
      "div",
      { class: "actions", role: "toolbar", "aria-label": "What to do with the exchange" },
      button("Replay", () => this.#act.replay(x.id), { glyph: "replay", kind: "primary", id: "act-replay", title: "Send it again (r)" }),
      button("Edit and replay", () => this.#act.edit(x), { glyph: "edit", id: "act-edit", title: "Send it again, changed (e)" }),
      button(label, () => this.#act.compare(x), { glyph: "compare", id: "act-compare", title: "Side by side with another (c)" }),
      button("Copy as curl", () => this.copyCurl(), { glyph: "copy", id: "act-curl", title: "A command that sends the same; secrets masked (y)" }),
      more,
    );
  }
}
