// Short messages at the lower edge; read aloud, gone by themselves, errors stay longer.

import { button, h } from "./dom.js";

const STAYS_MS = 4000;
const ERROR_STAYS_MS = 12_000;

let region = null;

function place() {
  region ??= document.body.appendChild(h("div", { class: "toasts", role: "status", "aria-live": "polite" }));
  return region;
}

/** Says something. `action` is `{label, act}`: one thing to do about it. */
export function say(text, { error = false, action } = {}) {
  const message = h("div", { class: error ? "toast error" : "toast" }, h("span", { class: "grow" }, text));
  const gone = () => message.remove();
  if (action) {
    message.append(
      button(action.label, () => {
        gone();
        action.act();
      }, { small: true }),
    );
  }
  message.append(button("Dismiss", gone, { glyph: "close", iconOnly: true, kind: "ghost", small: true }));
  place().append(message);
  setTimeout(gone, error ? ERROR_STAYS_MS : STAYS_MS);
}

/** Says what went wrong. */
export const complain = (error) => say(error?.message ?? String(error), { error: true });

/** Puts text on the clipboard and says so. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied ${what}`);
  } catch {
    fallback(text, what);
  }
}

// The clipboard is only there for https and loopback names; `web_addr: 0.0.0.0` is neither.
function fallback(text, what) {
  const area = h("textarea", { class: "visually-hidden", "aria-hidden": "true", value: text });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  say(done ? `Copied ${what}` : `The browser refused to copy ${what}`, { error: !done });
}
