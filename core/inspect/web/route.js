// The address of the page is its state: which view, which filters, what is selected. A reload or a
// link sent to a colleague shows the same.

const listeners = new Set();

/** What the address says: `{page, params}`. */
export function here() {
  return { page: location.pathname === "/status" ? "status" : "inspect", params: new URLSearchParams(location.search) };
}

/** One parameter, or null. */
export const param = (name) => here().params.get(name);

/**
 * Changes parameters: null or "" removes one. With `push` the browser's Back returns to what was;
 * without, the entry in the history is replaced.
 */
export function change(changes, { push = false } = {}) {
  const { params } = here();
  for (const [name, value] of Object.entries(changes)) {
    params.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") params.append(name, String(one));
    }
  }
  show(location.pathname, params, push);
}

/** Goes to one of the two pages. */
export const visit = (path, params = new URLSearchParams()) => show(path, params, true);

/** Is told after each change, whoever made it. */
export const onRoute = (listener) => listeners.add(listener);

function show(path, params, push) {
  const query = params.toString();
  const address = query ? `${path}?${query}` : path;
  if (address !== location.pathname + location.search) {
    history[push ? "pushState" : "replaceState"](null, "", address);
  }
  tell();
}

function tell() {
  const now = here();
  for (const listener of listeners) listener(now);
}

addEventListener("popstate", tell);
