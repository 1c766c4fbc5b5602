// A menu below a button: closes with Escape or a click elsewhere, arrows move within it.

import { h } from "./dom.js";

let open = null;

/** Closes the menu that is open, if one is. Tells whether there was. */
export function closeMenu({ refocus = false } = {}) {
  if (!open) return false;
  const { panel, anchor } = open;
  open = null;
  panel.remove();
  anchor.setAttribute("aria-expanded", "false");
  if (refocus) anchor.focus();
  return true;
}

/** Opens a panel with this content below `anchor`. */
export function openPanel(anchor, content, { label, role = "dialog" } = {}) {
  const again = open?.anchor === anchor;
  closeMenu();
  if (again) return null;
  const panel = h("div", { class: "menu", role, "aria-label": label, tabindex: "-1" }, content);
  document.body.append(panel);
  place(panel, anchor);
  open = { panel, anchor };
  anchor.setAttribute("aria-expanded", "true");
  const first = panel.querySelector("input, select, [role^=menuitem], button");
  (first ?? panel).focus();
  return panel;
}

/** Opens a menu of `{label, hint, act, disabled}`, with `null` for a line between. */
export function openMenu(anchor, items, label) {
  const list = items.map((item) =>
    item === null
      ? h("div", { class: "menu-line", role: "separator" })
      : h(
          "button",
          {
            type: "button",
            class: "menu-item",
            role: item.checked === undefined ? "menuitem" : "menuitemradio",
            "aria-checked": item.checked === undefined ? undefined : String(item.checked),
            disabled: item.disabled,
            on: {
              click: () => {
                closeMenu({ refocus: true });
                item.act();
              },
            },
          },
          h("span", { class: "grow" }, item.label),
          item.hint && h("span", { class: "menu-hint" }, item.hint),
        ),
  );
  const panel = openPanel(anchor, list, { label, role: "menu" });
  panel?.addEventListener("keydown", walk);
  return panel;
}

function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const items = [...event.currentTarget.querySelectorAll(".menu-item:not([disabled])")];
  const at = items.indexOf(document.activeElement);
  items[(at + step + items.length) % items.length]?.focus();
}

function place(panel, anchor) {
  const box = anchor.getBoundingClientRect();
  const width = panel.offsetWidth;
  const left = Math.max(8, Math.min(box.left, innerWidth - width - 8));
  const below = innerHeight - box.bottom - 12;
  panel.style.left = `${left}px`;
  panel.style.top = `${box.bottom + 4}px`;
  panel.style.maxHeight = `${Math.max(160, below)}px`;
}

addEventListener("pointerdown", (event) => {
  if (open && !open.panel.contains(event.target) && !open.anchor.contains(event.target)) closeMenu();
});

addEventListener(
  "keydown",
  (event) => {
    if (event.key === "Escape" && closeMenu({ refocus: true })) {
      event.preventDefault();
      event.stopPropagation();
    }
  },
  true,
);

addEventListener("resize", () => closeMenu());
