// The local API, one function per question.

/** What the agent answered when it would not do something. */
export class Refused extends Error {
  constructor(status, body) {
    const reason = body?.details?.err;
    super(reason ?? body?.msg ?? `the agent answered ${status}`);
    this.status = status;
    this.code = body?.error_code ?? null;
  }
}

async function ask(path, { method = "GET", json, text, signal } = {}) {
  const body = text ?? (json === undefined ? undefined : JSON.stringify(json));
  let answer;
  try {
    answer = await fetch(path, { method, body, signal, headers: body === undefined ? {} : { "content-type": "application/json" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the agent does not answer", { cause: error });
  }
  if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => null));
  return answer;
}

const askJson = async (path, options) => (await ask(path, options)).json();
const one = (id) => `/api/exchanges/${encodeURIComponent(id)}`;

/** A page of rows, newest first; `filter` is a `URLSearchParams`. */
export function exchanges(filter, { before, limit, signal } = {}) {
  const query = new URLSearchParams(filter);
  if (before) query.set("before", before);
  if (limit) query.set("limit", String(limit));
  return askJson(`/api/exchanges?${query}`, { signal });
}

export const exchange = (id, signal) => askJson(one(id), { signal });
export const clear = () => ask("/api/exchanges", { method: "DELETE" });
export const curl = async (id, secrets) => (await ask(`${one(id)}/curl?secrets=${secrets}`)).text();
export const diff = (left, right, signal) => askJson(`/api/diff?${new URLSearchParams({ left, right })}`, { signal });
export const replay = (id, changes = {}) => askJson(`${one(id)}/replay`, { method: "POST", json: changes });
export const overview = (signal) => askJson("/api/overview", { signal });
export const reload = () => askJson("/api/config/reload", { method: "POST", json: {} });
export const importHar = (text) => askJson("/api/har", { method: "POST", text });

/** Messages of an exchange from number `after` on. */
export const messages = (id, after, signal) =>
  askJson(`${one(id)}/messages?${after === null ? "" : `after=${after}&`}limit=1000`, { signal });

/** Where the octets of a body are. */
export const bodyUrl = (id, side, decoded) => `${one(id)}/${side}/body${decoded ? "?decoded=1" : ""}`;

/** The octets of a body. */
export async function body(id, side, { decoded = false, signal } = {}) {
  const answer = await ask(bodyUrl(id, side, decoded), { signal });
  return new Uint8Array(await answer.arrayBuffer());
}

/** Where an export of these exchanges (or of all that pass the filter) is. */
export function harUrl(ids, filter, secrets) {
  const query = new URLSearchParams(ids ? { ids: ids.join(",") } : filter);
  query.set("secrets", secrets);
  return `/api/har?${query}`;
}
