// The page: joins address, list, details and events. Each part is a module of its own.

import * as api from "./api.js";
import { divider, sessionLamp, themeButton } from "./chrome.js";
import { Compare } from "./compare.js";
import { Detail } from "./detail.js";
import { confirm } from "./dialog.js";
import { $, button } from "./dom.js";
import { editReplay } from "./editor.js";
import { emptyPlace, showEmpty } from "./empty.js";
import { Filters } from "./filters.js";
import { exportHar, importHar } from "./har.js";
import { help, listen } from "./keys.js";
import { List } from "./list.js";
import { connect, onConnection, onEvents } from "./live.js";
import { openMenu } from "./menu.js";
import { fromParams, nothing } from "./query.js";
import { change, here, onRoute, param, visit } from "./route.js";
import { Rows } from "./rows.js";
import { Status } from "./status.js";
import { complain, say } from "./toast.js";

let endpoints = [];
let capture = null;
let filter = new URLSearchParams();
let loaded = null;
/** What the address of the exchanges was when one went to the status page. */
let left = new URLSearchParams();

const narrow = matchMedia("(max-width: 719px)");
const lamp = sessionLamp($("#session"));
const empty = emptyPlace();

const rows = new Rows((what) => {
  list.changed(what);
  filters.tally(rows.length + rows.waiting, rows.more, [...filter].length > 0);
  fillEmpty();
});

const list = new List($("#list"), rows, { open, compare: comparePair, exportHar: (ids) => exportHar(ids, filter), empty });

const filters = new Filters($("#filters"), {
  set: (changes) => change({ ...changes, id: param("id") }),
  endpoints: () => [...new Set(endpoints.map(({ name }) => name))],
  tools: [moreButton()],
});

const detail = new Detail($("#detail"), {
  close,
  replay,
  edit,
  compare,
  open: (id) => open(id, {}),
  mark: (id) => list.mark(id),
  exportHar: (ids) => exportHar(ids, filter),
  setTab: (tab) => change({ tab: tab === "summary" ? null : tab }),
  urlOf: (x) => (endpoints.find(({ name }) => name === x.endpoint)?.public_url ?? `https://${x.host}`) + x.path,
});

const comparison = new Compare($("#compare"), {
  close: () => change({ compare: null }),
  open: (id) => change({ compare: null, id }),
  swap: (ids) => change({ compare: ids.join(",") }),
});

const status = new Status($("#status"));

function open(id, { byKey = false } = {}) {
  // On a phone the details cover the list, and Back has to lead out of them.
  change({ id }, { push: narrow.matches && !param("id") });
  if (!byKey && !narrow.matches) list.focus();
}

function close() {
  change({ id: null, tab: null });
  list.focus();
}

async function replay(id) {
  try {
    replayed(id, await api.replay(id));
  } catch (error) {
    complain(error);
  }
}

function replayed(of, { id }) {
  change({ id });
  say("Replayed", { action: { label: "Compare with the original", act: () => comparePair([of, id]) } });
}

async function edit(x) {
  const answer = await editReplay(x, (changes) => api.replay(x.id, changes));
  if (answer) replayed(x.id, answer);
}

function comparePair(ids) {
  list.unmark();
  change({ compare: ids.join(",") }, { push: true });
}

/** With its original, with the one that is marked, or else with the one that is marked next. */
function compare(x) {
  const other = list.marks.find((id) => id !== x.id);
  if (list.marks.length === 2) comparePair(list.marks);
  else if (other) comparePair([other, x.id].sort());
  else if (x.replay_of) comparePair([x.replay_of, x.id]);
  else {
    list.mark(x.id);
    say("Marked. Choose another exchange, then Compare again.");
    if (narrow.matches) close();
  }
}

function moreButton() {
  const control = button("Exchanges", () => openMenu(control, [
    { label: "Export as HAR…", act: () => exportHar(null, filter, rows.more ? null : rows.length), disabled: rows.length === 0 },
    { label: "Import HAR…", act: importHar },
    null,
    { label: "Clear all…", act: clear, disabled: rows.length === 0 && [...filter].length === 0 },
  ], "Exchanges"), { glyph: "more", iconOnly: true, "aria-haspopup": "menu", "aria-expanded": "false", id: "exchanges-menu" });
  return control;
}

async function clear() {
  if (!(await confirm("Clear all exchanges", "Every captured exchange is forgotten, whatever the filter shows. This cannot be taken back.", "Clear all"))) return;
  api.clear().catch(complain);
}

function fillEmpty() {
  empty.hidden = !rows.ready || rows.length > 0 || rows.waiting > 0 || rows.error !== null;
  const key = JSON.stringify([empty.hidden, endpoints.map((one) => [one.public_url, one.inspect]), capture, [...filter]]);
  if (key === fillEmpty.key) return;
  fillEmpty.key = key;
  if (!empty.hidden) showEmpty(empty, { endpoints, capture, filtered: [...filter].length > 0, clearFilters: () => change(nothing()) });
}

/** Shows what the address says. */
function route({ page, params }) {
  $("#inspect").hidden = page !== "inspect";
  status.show(page === "status");
  document.title = page === "status" ? "Status · adit" : "adit";
  for (const link of document.querySelectorAll(".pages [data-page]")) {
    if (link.dataset.page === page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (page !== "inspect") return;
  left = params;
  filter = fromParams(params);
  filters.show(filter);
  if (filter.toString() !== loaded) {
    loaded = filter.toString();
    void rows.load(filter);
  }
  const id = params.get("id");
  $("#split").classList.toggle("open", id !== null);
  list.select(id, { reveal: id !== null && id !== route.id });
  route.id = id;
  void detail.show(id, params.get("tab"));
  const pair = params.get("compare")?.split(",");
  void comparison.show(pair?.length === 2 ? pair : null);
}

onConnection((up) => lamp.connection(up));

onEvents((events) => {
  for (const [name, data] of events) {
    // What passed before the stream was there, or while it was broken, is not told again.
    if (name === "hello") void rows.load();
    else if (name === "session") lamp.session(data);
    else if (name === "endpoints") endpoints = data.endpoints;
    else if (name === "exchange") detail.heard(data);
  }
  rows.apply(events);
});

const selected = () => param("id");
const withSelected = (act) => () => (selected() ? act(selected()) : false);
const withDetail = (act) => withSelected(() => void detail.selected().then((x) => x && act(x)));
const inspecting = (act) => () => (here().page === "inspect" && !comparison.isOpen ? act() : false);

listen({
  next: inspecting(() => list.move(1)),
  previous: inspecting(() => list.move(-1)),
  first: inspecting(() => list.move(-Infinity)),
  last: inspecting(() => list.move(Infinity)),
  pageDown: inspecting(() => list.move(list.page)),
  pageUp: inspecting(() => list.move(-list.page)),
  enter: inspecting(() => (selected() ? detail.focus() : list.move(0))),
  back() {
    if (comparison.isOpen) change({ compare: null });
    else if ($("#detail").contains(document.activeElement)) list.focus();
    else if (selected()) close();
    else if (list.marks.length > 0) list.unmark();
    else return false;
    return true;
  },
  nextTab: withSelected(() => detail.step(1)),
  previousTab: withSelected(() => detail.step(-1)),
  search: inspecting(() => filters.focus()),
  filter: inspecting(() => filters.menu()),
  replay: withSelected(replay),
  edit: withDetail(edit),
  compare: withDetail(compare),
  mark: withSelected((id) => list.mark(id)),
  curl: withSelected(() => detail.copyCurl().catch(complain)),
  status: () => visit("/status"),
  exchanges: () => here().page === "status" && visit("/inspect/http", left),
  help: () => void help(),
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-page]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (here().page === link.dataset.page) return;
  if (link.dataset.page === "status") visit("/status");
  else visit("/inspect/http", left);
});

$("#help").addEventListener("click", () => void help());
themeButton($("#theme"));
divider($("#divider"), $("#split"));
onRoute(route);
route(here());
connect();
api.overview().then((overview) => {
  capture = overview.capture.enabled;
  endpoints = overview.endpoints;
  lamp.session(overview.session);
  fillEmpty();
}, () => {});
