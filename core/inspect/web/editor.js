// Replay with changes. What nobody touched is sent as it was: a body that is not edited goes back
// octet by octet, whatever it is.

import * as api from "./api.js";
import { button, h, put } from "./dom.js";
import { dialog } from "./dialog.js";
import { bytes } from "./format.js";

// What the agent works out itself for what is sent.
const WORKED_OUT = new Set(["content-length", "transfer-encoding"]);

/** Opens the editor; the answer is what the replay was told, or null. */
export function editReplay(x, send) {
  return dialog(
    "Edit and replay",
    (close) => {
      const method = h("input", { class: "field mono edit-method", "aria-label": "Method", value: x.method, spellcheck: "false", list: "methods", autocapitalize: "characters" });
      const path = h("input", { class: "field mono edit-path", "aria-label": "Path and query", value: x.path, spellcheck: "false", autofocus: true });
      const headers = lines("Header", x.request.headers);
      const trailers = lines("Trailer", x.request.trailers);
      const body = bodyEditor(x);
      const wrong = h("p", { class: "form-error", role: "alert" });
      const submit = button("Replay", async () => {
        submit.disabled = true;
        wrong.textContent = "";
        try {
          const changes = changed(x, { method, path, headers, trailers });
          const octets = await body.value();
          if (octets) changes.body_base64 = base64(octets);
          close(await send(changes));
        } catch (error) {
          wrong.textContent = error.message;
          submit.disabled = false;
        }
      }, { kind: "primary", glyph: "replay" });
      const onkeydown = (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit.click();
      };
      return {
        content: h(
          "div",
          { class: "editor", on: { keydown: onkeydown } },
          h("datalist", { id: "methods" }, ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].map((value) => h("option", { value }))),
          h("div", { class: "edit-line" }, method, path),
          fieldset("Headers", headers.element, button("Add a header", () => headers.add("", ""), { small: true, glyph: "plus" })),
          fieldset("Body", body.element),
          fieldset("Trailers", trailers.element, button("Add a trailer", () => trailers.add("", ""), { small: true, glyph: "plus" })),
          wrong,
        ),
        actions: [
          h("span", { class: "dim grow" }, `Goes straight to the upstream of ${x.endpoint}.`),
          button("Cancel", () => close()),
          submit,
        ],
      };
    },
    { wide: true },
  );
}

const fieldset = (title, ...content) => h("fieldset", { class: "edit-set" }, h("legend", {}, title), content);

function changed(x, { method, path, headers, trailers }) {
  const changes = {};
  if (method.value.trim() !== x.method) changes.method = method.value.trim();
  if (path.value !== x.path) changes.path = path.value;
  if (headers.isChanged()) changes.headers = headers.value();
  if (trailers.isChanged()) changes.trailers = trailers.value();
  return changes;
}

/** Lines of name and value. Sensitive values show as dots; no password field, or browsers offer to keep them. */
function lines(noun, initial) {
  const element = h("div", { class: "edit-lines" });
  const line = (name, value, sensitive) => {
    const nameField = h("input", { class: "field mono", value: name, "aria-label": `${noun} name`, placeholder: "name", spellcheck: "false" });
    const valueField = h("input", { class: sensitive ? "field mono secret" : "field mono", value, "aria-label": `${noun} value`, placeholder: "value", spellcheck: "false", autocomplete: "off" });
    const row = h("div", { class: "edit-row" }, nameField, valueField);
    if (sensitive) {
      row.append(button("Show the value", (event) => {
        valueField.classList.remove("secret");
        event.currentTarget.remove();
      }, { glyph: "eye", iconOnly: true, kind: "ghost", small: true }));
    }
    const remove = button(`Remove this ${noun.toLowerCase()}`, () => {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      next?.querySelector("input")?.focus();
    }, { glyph: "close", iconOnly: true, kind: "ghost", small: true });
    row.append(remove);
    return row;
  };
  const before = initial.filter(({ name }) => !WORKED_OUT.has(name.toLowerCase()));
  put(element, before.map(({ name, value, sensitive }) => line(name, value, sensitive)));
  const value = () =>
    [...element.children].map((row) => {
      const [name, content] = row.querySelectorAll("input");
      return { name: name.value.trim(), value: content.value };
    }).filter(({ name }) => name !== "");
  const text = (list) => JSON.stringify(list.map(({ name, value: content }) => [name, content]));
  return {
    element,
    value,
    isChanged: () => text(value()) !== text(before),
    add(name, content) {
      const row = line(name, content, false);
      element.append(row);
      row.querySelector("input").focus();
    },
  };
}

/** Untouched octets, until somebody edits them as text or takes a file instead. */
function bodyEditor(x) {
  const { request } = x;
  const element = h("div", { class: "edit-body" });
  let value = async () => null;
  const encoded = request.body.encodings.length > 0;

  const asText = async (text) => {
    const area = h("textarea", { class: "field", rows: "9", "aria-label": "Body as text", spellcheck: "false", value: text });
    let touched = false;
    area.addEventListener("input", () => (touched = true));
    value = async () => (touched ? new TextEncoder().encode(area.value) : null);
    put(
      element,
      area,
      encoded && h("p", { class: "dim" }, `It was compressed (${request.body.encodings.join(", ")}); what you change here is sent as it stands, so take out Content-Encoding.`),
      h("div", { class: "menu-row" }, button("Back to the untouched octets", untouched, { small: true })),
    );
    area.focus();
  };

  const edit = async () => {
    if (request.size === 0) return asText("");
    try {
      const octets = await api.body(x.id, "request", { decoded: encoded });
      return await asText(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets));
    } catch (error) {
      return note.replaceChildren(error instanceof TypeError ? "It is not UTF-8 text: editing it here would change it. Take a file instead." : error.message);
    }
  };

  const note = h("p", { class: "form-error", role: "alert" });
  const fromFile = () => {
    const input = h("input", { type: "file" });
    input.addEventListener("change", () => {
      const [file] = input.files;
      if (!file) return;
      value = async () => new Uint8Array(await file.arrayBuffer());
      put(element, h("div", { class: "menu-row" }, `${file.name}, ${bytes(file.size)}`, button("Back to the untouched octets", untouched, { small: true })));
    });
    input.click();
  };

  function untouched() {
    value = async () => null;
    put(
      element,
      h(
        "div",
        { class: "menu-row" },
        h("span", { class: "dim" }, request.size === 0 ? "Empty" : `${bytes(request.size)}, sent back untouched`),
        button(request.size === 0 ? "Write one" : "Edit as text", edit, { small: true, glyph: "edit" }),
        button("Take a file", fromFile, { small: true, glyph: "file" }),
        request.size > 0 && button("Send none", () => none(), { small: true }),
      ),
      note,
    );
  }

  function none() {
    value = async () => new Uint8Array();
    put(element, h("div", { class: "menu-row" }, h("span", { class: "dim" }, "No body"), button("Back to the untouched octets", untouched, { small: true })));
  }

  if (request.truncated) note.textContent = "It was not kept whole, so it cannot be sent again as it was: write another, or send none.";
  untouched();
  return { element, value: () => value() };
}

const SLICE = 0x8000;

function base64(octets) {
  let text = "";
  for (let at = 0; at < octets.length; at += SLICE) text += String.fromCharCode(...octets.subarray(at, at + SLICE));
  return btoa(text);
}
