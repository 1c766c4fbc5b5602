// Windows over the page. The browser's own dialog element holds the focus and closes with Escape.

import { button, h } from "./dom.js";

/** Opens a dialog. `build(close)` returns `{content, actions}`; the promise ends when it closes. */
export function dialog(title, build, { wide = false } = {}) {
  return new Promise((resolve) => {
    const id = `dialog-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    const element = h("dialog", { class: wide ? "dialog wide" : "dialog", "aria-labelledby": id });
    let result = null;
    const close = (value = null) => {
      result = value;
      element.close();
    };
    const { content, actions } = build(close);
    element.append(
      h(
        "header",
        { class: "dialog-head" },
        h("h2", { id, class: "grow" }, title),
        button("Close", () => close(), { glyph: "close", iconOnly: true, kind: "ghost" }),
      ),
      h("div", { class: "dialog-body" }, content),
    );
    if (actions) element.append(h("footer", { class: "dialog-foot" }, actions));
    element.addEventListener("close", () => {
      element.remove();
      resolve(result);
    });
    element.addEventListener("pointerdown", (event) => event.target === element && close());
    document.body.append(element);
    element.showModal();
    element.querySelector("[autofocus]")?.focus();
  });
}

/** Asks before something that cannot be taken back. True if the answer is yes. */
export async function confirm(title, text, yes) {
  const answer = await dialog(title, (close) => ({
    content: h("p", {}, text),
    actions: [button("Cancel", () => close(false)), button(yes, () => close(true), { kind: "primary", autofocus: true })],
  }));
  return answer === true;
}

/** Whether a dialog is open: keys are for it then. */
export const isDialogOpen = () => document.querySelector("dialog[open]") !== null;
