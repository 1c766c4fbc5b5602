// The keyboard. One table decides what a key does and what the help says.

import { h } from "./dom.js";
import { dialog, isDialogOpen } from "./dialog.js";

/** Keys in the order of the help: `[keys, what it says, name of the act]`. */
const KEYS = [
  [["j", "ArrowDown"], "Next exchange", "next"],
  [["k", "ArrowUp"], "Previous exchange", "previous"],
  [["Enter"], "Open it, or go to its details", "enter"],
  [["Escape"], "Close, or back to the list", "back"],
  [["g", "Home"], "To the newest", "first"],
  [["G", "End"], "To the oldest that is loaded", "last"],
  [["PageDown"], "A page down", "pageDown"],
  [["PageUp"], "A page up", "pageUp"],
  [["]", "l", "ArrowRight"], "Next tab", "nextTab"],
  [["[", "h", "ArrowLeft"], "Previous tab", "previousTab"],
  [["/"], "Search", "search"],
  [["f"], "Add a filter", "filter"],
  [["r"], "Replay", "replay"],
  [["e"], "Edit and replay", "edit"],
  [["c"], "Compare", "compare"],
  [["x"], "Mark", "mark"],
  [["y"], "Copy as curl", "curl"],
  [["s"], "Status", "status"],
  [["i"], "Exchanges", "exchanges"],
  [["?"], "This list", "help"],
];

// These belong to whatever has the focus, unless that is the list.
const OF_THE_LIST = new Set(["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "Home", "End", "PageDown", "PageUp", "Enter"]);

/** Calls the acts; one that returns false leaves the key to the browser. */
export function listen(acts) {
  const byKey = new Map(KEYS.flatMap(([keys, , act]) => keys.map((key) => [key, act])));
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isDialogOpen()) return;
    const { target, key } = event;
    if (target.closest?.("input, textarea, select, [role=menu], .menu, [role=separator]")) return;
    if (OF_THE_LIST.has(key) && target !== document.body && !target.closest?.("#rows")) return;
    const act = acts[byKey.get(key)];
    if (act && act() !== false) event.preventDefault();
  });
}

const SHOWN = { ArrowDown: "↓", ArrowUp: "↑", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", PageDown: "PgDn", PageUp: "PgUp" };

/** The list of keys. */
export function help() {
  return dialog("Keyboard", () => ({
    content: h("dl", { class: "keys" }, KEYS.map(([keys, text]) => h("div", {}, h("dt", {}, keys.map((key) => h("kbd", {}, SHOWN[key] ?? key))), h("dd", {}, text)))),
  }), { wide: true });
}
