// Export to and import from HAR files, the format of browsers' developer tools.

import * as api from "./api.js";
import { button, h } from "./dom.js";
import { dialog } from "./dialog.js";
import { plural } from "./format.js";
import { complain, say } from "./toast.js";

/** Asks what to export, then lets the browser save it. `ids` null: all that pass the filter. */
export async function exportHar(ids, filter, total) {
  await dialog("Export as HAR", (close) => {
    const secrets = h("input", { type: "checkbox", id: "har-secrets" });
    const save = () => {
      const link = h("a", { href: api.harUrl(ids, filter, secrets.checked ? "include" : "mask"), download: "adit.har" });
      document.body.append(link);
      link.click();
      link.remove();
      close();
    };
    const filtered = [...filter].length > 0;
    const what = ids ? plural(ids.length, "exchange") : filtered ? "Every exchange that matches the filter" : `All exchanges${total ? ` (${total})` : ""}`;
    return {
      content: [
        h("p", {}, `${what}, with headers and bodies, as HAR 1.2.`),
        h("label", { class: "check", for: "har-secrets" }, secrets, h("span", {}, h("b", {}, "Include secrets"), h("span", { class: "dim" }, "Authorization, cookies, API keys. Without this they are masked."))),
      ],
      actions: [button("Cancel", () => close()), button("Save the file", save, { kind: "primary", glyph: "down", autofocus: true })],
    };
  });
}

/** Lets the person choose a file and takes its exchanges into the list. */
export function importHar() {
  const input = h("input", { type: "file", accept: ".har,application/json", id: "har-file", class: "visually-hidden", "aria-hidden": "true", tabindex: "-1" });
  document.body.append(input);
  input.addEventListener("cancel", () => input.remove());
  input.addEventListener("change", async () => {
    const [file] = input.files;
    input.remove();
    if (!file) return;
    try {
      const { imported, skipped } = await api.importHar(await file.text());
      say(`Imported ${plural(imported, "exchange")}${skipped > 0 ? `; ${plural(skipped, "entry", "entries")} could not be read` : ""}`);
    } catch (error) {
      complain(error);
    }
  });
  input.click();
}
