// What stands around the pages: theme, session, the divider between list and details.

import { $, icon, put } from "./dom.js";
import { duration } from "./format.js";
import { recall, remember } from "./keep.js";
import { openMenu } from "./menu.js";

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

/** The button that chooses light, dark, or what the system says. */
export function themeButton(control) {
  const show = () => {
    const now = root.dataset.theme ?? (dark.matches ? "dark" : "light");
    put(control, icon(now === "dark" ? "moon" : "sun"));
    control.setAttribute("aria-label", `Theme: ${root.dataset.theme ?? "as the system"}`);
    control.title = "Light or dark";
  };
  const choose = (theme) => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    remember("theme", theme);
    show();
  };
  control.addEventListener("click", () => {
    const item = (label, theme) => ({ label, checked: (root.dataset.theme ?? null) === theme, act: () => choose(theme) });
    openMenu(control, [item("As the system", null), item("Light", "light"), item("Dark", "dark")], "Theme");
  });
  dark.addEventListener("change", show);
  show();
}

/** Says how the session stands, in the bar at the top. */
export function sessionLamp(place) {
  const text = $(".session-text", place);
  let session = null;
  let up = true;
  const show = () => {
    if (!up) {
      place.dataset.state = "gone";
      text.textContent = "agent does not answer";
      place.title = "The connection to the agent broke; this page tries again by itself.";
      return;
    }
    if (!session) return;
    place.dataset.state = session.status;
    const leg = session.legs[0];
    const facts = session.status === "online" ? [leg?.region, leg?.latency_ms !== null && leg && duration(leg.latency_ms)] : [session.reason];
    text.textContent = [session.status, ...facts].filter(Boolean).join(" · ");
    place.title = `Session with ${session.edge}`;
  };
  return {
    session(now) {
      session = now;
      show();
    },
    connection(now) {
      up = now;
      show();
    },
  };
}

const LEAST = 20;
const MOST = 75;

/** Lets the border between list and details be moved, by pointer and by arrows. */
export function divider(handle, split) {
  let width = Number(recall("list-width")) || 42;
  const set = (next) => {
    width = Math.max(LEAST, Math.min(MOST, next));
    split.style.setProperty("--list-width", `${width}%`);
    handle.setAttribute("aria-valuenow", String(Math.round(width)));
  };
  handle.setAttribute("aria-valuemin", String(LEAST));
  handle.setAttribute("aria-valuemax", String(MOST));
  set(width);
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    const move = (moved) => set(((moved.clientX - split.getBoundingClientRect().left) / split.clientWidth) * 100);
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", () => {
      handle.removeEventListener("pointermove", move);
      remember("list-width", width.toFixed(1));
    }, { once: true });
  });
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -2, ArrowRight: 2 }[event.key];
    if (!step) return;
    event.preventDefault();
    set(width + step);
    remember("list-width", width.toFixed(1));
  });
}
