// The status page: the session and its history, traffic, endpoints with their numbers, settings.

import * as api from "./api.js";
import { button, h, put } from "./dom.js";
import { Chart } from "./charts.js";
import { bytes, clock, count, duration, moment, plural, rate } from "./format.js";
import { pairTable } from "./headers.js";
import { endpointCards, metrics } from "./status-endpoints.js";
import { complain, say } from "./toast.js";

const POLL_MS = 1000;

export class Status {
  #page;
  #timer = null;
  #charts = [
    new Chart("Requests", [{ key: "requests", label: "per second", hue: "hue-1" }], (n) => (Number.isInteger(n) ? count(n) : rate(n)), 3),
    new Chart("Latency", [{ key: "p95_ns", label: "95 %", hue: "hue-2" }, { key: "p50_ns", label: "50 %", hue: "hue-1" }], (ns) => (ns === 0 ? "0" : duration(ns / 1e6)), 3e6),
    new Chart("Bytes", [{ key: "bytes_out", label: "out", hue: "hue-1" }, { key: "bytes_in", label: "in", hue: "hue-3" }], (n) => (n === 0 ? "0" : bytes(Math.round(n))), 3000),
  ];
  #parts = null;
  #pick = null;
  #drawn = new Map();

  constructor(page) {
    this.#page = page;
  }

  /** Begins to ask, or stops. */
  show(visible) {
    this.#page.hidden = !visible;
    clearTimeout(this.#timer);
    this.#timer = null;
    if (visible) void this.#ask();
  }

  async #ask() {
    try {
      this.#draw(await api.overview());
    } catch (error) {
      if (this.#parts) put(this.#parts.notice, h("p", { class: "notice error" }, error.message));
      else put(this.#page, h("p", { class: "notice error" }, error.message));
    }
    if (this.#page.hidden) return;
    this.#timer = setTimeout(() => {
      // A page that nobody sees does not ask.
      if (!document.hidden) void this.#ask();
      else document.addEventListener("visibilitychange", () => this.#page.hidden || void this.#ask(), { once: true });
    }, POLL_MS);
  }

  #draw(overview) {
    this.#parts ??= this.#frame();
    const { notice, session, endpoints, numbers, settings, history } = this.#parts;
    put(notice);
    this.#once("session", [overview.session.status, overview.session.reason, overview.session.retry_at, overview.session.legs, overview.capture, overview.web, overview.session.banner], () => put(session, sessionCard(overview)));
    this.#once("history", overview.session.history, () => put(history, historyList(overview.session.history)));
    this.#once("endpoints", overview.endpoints.map(({ series, metrics: _, ...rest }) => rest), () => {
      put(endpoints, endpointCards(overview.endpoints));
      this.#choices(overview.endpoints);
    });
    this.#once("numbers", [overview.endpoints.map((one) => [one.name, one.metrics]), overview.totals.metrics], () => put(numbers, metrics(overview)));
    this.#once("settings", overview.settings, () => put(settings, settingTables(overview.settings)));
    this.#traffic(overview);
  }

  /** Draws a part only if what it says differs, so that focus and selection stay. */
  #once(name, said, draw) {
    const key = JSON.stringify(said);
    if (this.#drawn.get(name) === key) return;
    this.#drawn.set(name, key);
    draw();
  }

  #traffic(overview) {
    const one = overview.endpoints.find((endpoint) => endpoint.name === this.#pick.value);
    const { series } = one ?? overview.totals;
    for (const chart of this.#charts) chart.show(series, series.end);
  }

  #choices(endpoints) {
    const chosen = this.#pick.value;
    put(this.#pick, h("option", { value: "" }, "All endpoints"), endpoints.map(({ name }) => h("option", { value: name }, name)));
    this.#pick.value = endpoints.some(({ name }) => name === chosen) ? chosen : "";
    this.#pick.hidden = endpoints.length < 2;
  }

  #frame() {
    const place = () => h("div", {});
    const parts = { notice: h("div", { role: "status" }), session: place(), endpoints: place(), numbers: place(), settings: h("div", { class: "settings" }), history: place() };
    this.#pick = h("select", { class: "field small", "aria-label": "Endpoint of the charts", on: { change: () => void this.#ask() } });
    const reload = button("Read the configuration again", async () => {
      reload.disabled = true;
      try {
        say(reloaded(await api.reload()));
      } catch (error) {
        complain(error);
      }
      reload.disabled = false;
    }, { glyph: "reload", small: true });
    const block = (title, content, tools, name) => h("section", { class: `block block-${name}`, "aria-label": title }, h("header", { class: "block-head" }, h("h2", { class: "grow" }, title), tools), content);
    put(
      this.#page,
      h(
        "div",
        { class: "status-page" },
        parts.notice,
        parts.session,
        block("Traffic", h("div", { class: "charts" }, this.#charts.map((chart) => chart.element)), this.#pick, "traffic"),
        block("Endpoints", [parts.endpoints, parts.numbers], reload, "endpoints"),
        block("Session history", parts.history, null, "history"),
        block("Settings", parts.settings, null, "settings"),
      ),
    );
    return parts;
  }
}

function sessionCard({ session, capture, web }) {
  const legs = session.legs.map(({ region, latency_ms: latency }) => [region, latency !== null && duration(latency)].filter(Boolean).join(" · "));
  const facts = [
    ["Edge", session.edge],
    session.account && ["Account", [session.account, session.plan].filter(Boolean).join(", ")],
    legs.length > 0 && [legs.length === 1 ? "Region" : "Regions", legs.join(", ")],
    ["Version", session.version],
    ["Running since", moment(session.started)],
    ["This page", web.addr],
    ["Captured", capture.enabled ? `${plural(capture.count, "exchange")}, ${bytes(capture.used)} of ${bytes(capture.limit)}` : "off"],
  ].filter(Boolean);
  const full = h("span", { class: "meter-fill" });
  full.style.transform = `scaleX(${capture.enabled && capture.limit > 0 ? Math.min(1, capture.used / capture.limit) : 0})`;
  return h(
    "section",
    { class: "block session-card", "aria-label": "Session", data: { state: session.status } },
    h("div", { class: "session-now", data: { state: session.status } }, h("span", { class: "lamp", "aria-hidden": "true" }), h("h1", {}, session.status), session.reason && h("span", { class: "dim" }, session.retry_at ? `${session.reason}; tried again at ${clock(session.retry_at)}` : session.reason)),
    session.banner && h("p", { class: "banner" }, session.banner),
    h("dl", { class: "facts-grid" }, facts.map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", { class: "num" }, text, name === "Captured" && capture.enabled && h("span", { class: "meter", "aria-hidden": "true" }, full))))),
  );
}

const WHAT = { connected: "ok", disconnected: "client", retry: "none", ended: "server" };

function historyList(history) {
  if (history.length === 0) return h("p", { class: "none" }, "Nothing happened yet.");
  return h("ol", { class: "history" }, [...history].reverse().map(({ at, what, detail }) =>
    h("li", { class: `kind-${WHAT[what] ?? "none"}` }, h("time", { class: "num dim", datetime: at }, moment(at)), h("b", {}, what), h("span", { class: "history-detail" }, detail)),
  ));
}

function settingTables(settings) {
  if (settings.length === 0) return h("p", { class: "none" }, "None.");
  const groups = new Map();
  for (const { group, name, value } of settings) groups.set(group, [...(groups.get(group) ?? []), [name, value]]);
  return [...groups].map(([group, pairs]) => h("div", { class: "settings-group" }, h("h3", {}, group), pairTable(pairs, `Settings: ${group}`)));
}

function reloaded({ added, changed, removed, unchanged, restart_needed: restart }) {
  const parts = [[added, "added"], [changed, "changed"], [removed, "removed"]].filter(([names]) => names.length > 0).map(([names, verb]) => `${names.join(", ")} ${verb}`);
  const text = parts.length > 0 ? parts.join("; ") : `Nothing changed; ${count(unchanged.length)} as before`;
  return restart.length > 0 ? `${text}. Needs a restart: ${restart.join(", ")}` : text;
}
