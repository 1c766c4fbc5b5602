// The list of exchanges: draws rows, moves the selection, says what is new, lost or marked.

import { add, button, h, icon, put } from "./dom.js";
import { bytes, clock, count, duration, plural, statusKind } from "./format.js";
import { Virtual } from "./virtual.js";

// What is slower than this is worth a look; the gauge is full at ten seconds.
const SLOW_MS = 1000;
const FULL_MS = 10_000;

export class List {
  #rows;
  #act;
  #view;
  #grid;
  #viewport;
  #news;
  #notices;
  #marksBar;
  #fresh = new Set();
  #selected = null;
  #loadsOlder = false;
  /** Ids that were marked, in that order. */
  marks = [];

  /** `act`: `{open(id), compare(ids), exportHar(ids), empty()}`. */
  constructor(section, rows, act) {
    this.#rows = rows;
    this.#act = act;
    const canvas = h("div", { class: "canvas", role: "rowgroup" });
    this.#viewport = h("div", { class: "viewport", role: "presentation", tabindex: "-1" }, canvas);
    const titles = ["", "Status", "Method", "Path", "Endpoint", "Duration", "Size", "Time"];
    const classes = ["mark", "status", "method", "path", "endpoint", "duration", "size", "time"];
    this.#grid = h(
      "div",
      {
        class: "grid",
        id: "rows",
        role: "grid",
        tabindex: "0",
        "aria-label": "Exchanges, newest first",
        "aria-multiselectable": "false",
        on: { click: (event) => this.#click(event) },
      },
      h(
        "div",
        { class: "grid-head", role: "row", "aria-rowindex": "1" },
        titles.map((title, n) => h("span", { class: `cell-${classes[n]}`, role: "columnheader" }, title || h("span", { class: "visually-hidden" }, "Marked"))),
      ),
      this.#viewport,
    );
    this.#news = button("", () => this.toTop(), { kind: "primary news", small: true, glyph: "up" });
    this.#notices = h("div", { role: "status" });
    this.#marksBar = h("div", { class: "marks", role: "toolbar", "aria-label": "Marked exchanges", hidden: true });
    put(section, this.#notices, this.#news, this.#grid, act.empty, this.#marksBar);
    this.#news.hidden = true;
    this.#view = new Virtual(this.#viewport, canvas, {
      count: () => rows.length,
      key: (index) => rows.at(index).id,
      create: newRow,
      update: (element, index) => this.#fill(element, index),
      height: rowHeight,
    });
    this.#viewport.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  /** Draws after a change of the rows. */
  changed({ fresh }) {
    for (const id of fresh) this.#fresh.add(id);
    if (fresh.length > 0) setTimeout(() => fresh.forEach((id) => this.#fresh.delete(id)), 1500);
    this.marks = this.marks.filter((id) => this.#rows.get(id));
    this.#grid.hidden = this.#rows.ready && this.#rows.length === 0 && this.#rows.waiting === 0;
    this.#grid.setAttribute("aria-rowcount", this.#rows.more ? "-1" : String(this.#rows.length + 1));
    this.#tell();
    this.#view.refresh();
    this.#older();
  }

  /** Shows which row is open; null for none. */
  select(id, { reveal = false } = {}) {
    this.#selected = id;
    if (id) this.#grid.setAttribute("aria-activedescendant", `row-${id}`);
    else this.#grid.removeAttribute("aria-activedescendant");
    if (reveal && id && this.#rows.indexOf(id) >= 0) this.#view.reveal(this.#rows.indexOf(id));
    this.#view.refresh();
  }

  /** Moves the selection by so many rows. */
  move(step) {
    if (this.#rows.length === 0) return;
    const at = this.#selected ? this.#rows.indexOf(this.#selected) : -1;
    const next = at < 0 ? 0 : Math.min(this.#rows.length - 1, Math.max(0, at + step));
    this.#view.reveal(next);
    this.#act.open(this.#rows.at(next).id, { byKey: true });
  }

  /** How many rows fit. */
  get page() {
    return Math.max(1, Math.floor(this.#viewport.clientHeight / rowHeight()) - 1);
  }

  focus() {
    this.#grid.focus({ preventScroll: true });
  }

  toTop() {
    this.#viewport.scrollTop = 0;
    this.#rows.resume();
    this.#view.refresh();
  }

  /** Marks a row, or takes the mark away. */
  mark(id) {
    this.marks = this.marks.includes(id) ? this.marks.filter((other) => other !== id) : [...this.marks, id];
    this.#tell();
    this.#view.refresh();
  }

  unmark() {
    this.marks = [];
    this.#tell();
    this.#view.refresh();
  }

  #click(event) {
    const row = event.target.closest(".grid-row");
    if (!row) return;
    const { id } = row.dataset;
    if (event.target.closest(".cell-mark") || event.ctrlKey || event.metaKey || event.shiftKey) this.mark(id);
    else this.#act.open(id, {});
  }

  #scrolled() {
    const away = this.#viewport.scrollTop > 4;
    if (away !== this.#rows.paused) {
      this.#rows.paused = away;
      if (!away) this.#rows.resume();
    }
    this.#older();
  }

  /** Older rows are asked for before the person reaches the end of what is there. */
  #older() {
    const left = this.#rows.length * rowHeight() - this.#viewport.scrollTop - this.#viewport.clientHeight;
    if (left > this.#viewport.clientHeight * 2 || !this.#rows.more || this.#loadsOlder) return;
    this.#loadsOlder = true;
    this.#rows.loadOlder()?.finally(() => (this.#loadsOlder = false));
  }

  #tell() {
    const { waiting, lost, error } = this.#rows;
    this.#news.hidden = waiting === 0;
    this.#news.lastChild.textContent = `${count(waiting)} new`;
    const notices = [];
    if (error) notices.push(notice("error", `The list could not be loaded: ${error.message}`, "Try again", () => this.#rows.load()));
    if (lost > 0) {
      notices.push(notice("", `This page fell behind: ${plural(lost, "change")} did not reach it.`, "Load the list again", () => this.#rows.load()));
    }
    if (notices.length > 0 || this.#notices.hasChildNodes()) put(this.#notices, notices);
    this.#tellMarks();
  }

  #tellMarks() {
    const n = this.marks.length;
    this.#marksBar.hidden = n === 0;
    this.#grid.classList.toggle("marking", n > 0);
    if (n === 0) return;
    put(this.#marksBar);
    add(this.#marksBar, [
      h("span", { class: "grow" }, n === 1 ? "1 marked. Mark another to compare." : `${plural(n, "exchange")} marked`),
      n === 2 && button("Compare", () => this.#act.compare(this.marks), { glyph: "compare", kind: "primary", small: true }),
      button("Export HAR", () => this.#act.exportHar(this.marks), { glyph: "down", small: true }),
      button("Unmark", () => this.unmark(), { kind: "ghost", small: true }),
    ]);
  }

  #fill(element, index) {
    const row = this.#rows.at(index);
    const selected = row.id === this.#selected;
    element.id = `row-${row.id}`;
    element.dataset.id = row.id;
    element.setAttribute("aria-rowindex", String(index + 2));
    element.setAttribute("aria-selected", String(selected));
    const time = (row.duration_ns ?? 0) / 1e6;
    element.className = [
      "grid-row",
      selected && "current",
      row.state,
      time >= SLOW_MS && "slow",
      this.marks.includes(row.id) && "marked",
      this.#fresh.has(row.id) && "fresh",
    ].filter(Boolean).join(" ");
    fillCells(element.cells, row, time);
  }
}

const rowHeight = () => (matchMedia("(max-width: 719px)").matches ? 54 : 30);

function notice(kind, text, label, act) {
  return h("div", { class: `notice ${kind}` }, icon("warn"), h("span", { class: "grow" }, text), button(label, act, { small: true }));
}

function newRow() {
  const cell = (name, ...children) => h("span", { class: `cell-${name}`, role: "gridcell" }, children);
  const cells = {
    status: h("span", { class: "status-number" }),
    method: cell("method"),
    path: document.createTextNode(""),
    query: h("span", { class: "query" }),
    tags: h("span", { class: "cell-tags" }),
    endpoint: cell("endpoint"),
    bar: h("span"),
    duration: h("span"),
    size: cell("size"),
    time: cell("time"),
  };
  cells.text = h("span", { class: "path-text" }, cells.path, cells.query);
  const element = h(
    "div",
    { class: "grid-row", role: "row" },
    cell("mark", h("span", { class: "mark-box", title: "Mark (x)" }, icon("check"))),
    cell("status", cells.status),
    cells.method,
    cell("path", cells.text, cells.tags),
    cells.endpoint,
    cell("duration", h("span", { class: "gauge", "aria-hidden": "true" }, cells.bar), cells.duration),
    cells.size,
    cells.time,
  );
  element.cells = cells;
  return element;
}

function fillCells(cells, row, time) {
  text(cells.status, row.status ?? (row.state === "failed" ? "fail" : "···"));
  cells.status.className = `status-number kind-${row.state === "failed" && !row.status ? "server" : statusKind(row.status)}`;
  text(cells.method, row.method);
  const cut = row.path.indexOf("?");
  text(cells.path, cut < 0 ? row.path : row.path.slice(0, cut));
  text(cells.query, cut < 0 ? "" : row.path.slice(cut));
  cells.text.dataset.method = row.method;
  cells.text.title = row.path.length > 40 ? row.path.slice(0, 500) : "";
  text(cells.endpoint, row.endpoint);
  const open = row.state === "open" && row.duration_ns === null;
  text(cells.duration, open ? "…" : duration(time));
  cells.bar.style.transform = `scaleX(${gauge(time)})`;
  text(cells.size, row.response_size > 0 ? bytes(row.response_size) : "–");
  text(cells.time, clock(row.start));
  fillTags(cells.tags, row);
}

/** Logarithmic, so that 5 ms and 500 ms can be told apart. */
const gauge = (ms) => Math.max(0.04, Math.min(1, Math.log10(Math.max(1, ms)) / Math.log10(FULL_MS))).toFixed(3);

function fillTags(place, row) {
  const tags = [];
  if (row.replay_of) tags.push(["replay", ""]);
  if (row.imported) tags.push(["import", ""]);
  if (row.kind === "websocket") tags.push([`ws ${count(row.n_messages)}`, "kind-switch"]);
  if (row.kind === "grpc") tags.push([`grpc ${count(row.n_messages)}`, "kind-switch"]);
  // A refusal is what its status says; everything else that ended early is news.
  if (row.state === "failed" && row.error !== "refused") tags.push([row.error, "kind-server"]);
  if (row.decided_by) tags.push([row.decided_by, "kind-client"]);
  const key = tags.join("|");
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  put(place, tags.map(([label, kind]) => h("span", { class: `tag ${kind}` }, label)));
}

function text(node, value) {
  const string = String(value);
  if (node.textContent !== string) node.textContent = string;
}
