// What a filter is: parameters of the list, which stand in the page's address under the same names.

import { bytes, duration } from "./format.js";

/** The parameters that the list understands. */
export const NAMES = ["endpoint", "path", "method", "status", "min_ms", "max_ms", "min_size", "max_size", "header", "q"];

/** Those of a page's address. */
export function fromParams(params) {
  const filter = new URLSearchParams();
  for (const name of NAMES) {
    const value = params.get(name);
    if (value) filter.set(name, value);
  }
  return filter;
}

/** Changes for the address that remove every filter. */
export const nothing = () => Object.fromEntries(NAMES.map((name) => [name, null]));

/** What each filter is called. */
const TITLES = { endpoint: "Endpoint", path: "Path", method: "Method", status: "Status", header: "Header", q: "Text" };

/** How a filter is shown as a chip: `[title, value]`. */
export function describe(name, value) {
  switch (name) {
    case "min_ms":
      return ["Duration", `≥ ${duration(Number(value))}`];
    case "max_ms":
      return ["Duration", `≤ ${duration(Number(value))}`];
    case "min_size":
      return ["Size", `≥ ${bytes(Number(value))}`];
    case "max_size":
      return ["Size", `≤ ${bytes(Number(value))}`];
    default:
      return [TITLES[name], value];
  }
}

/** Whether only the agent can tell if a row passes: the row has no headers and no bodies. */
export const needsAgent = (filter) => filter.has("header") || filter.has("q");

/** Whether a row passes, as far as a row can tell. Means the same as the agent's own test. */
export function passes(filter, row) {
  for (const [name, value] of filter) {
    if (!TESTS[name]?.(row, value)) return false;
  }
  return true;
}

const ms = (row) => (row.duration_ns ?? 0) / 1e6;
const within = (hay, needle) => (hay ?? "").toLowerCase().includes(needle.toLowerCase());

const TESTS = {
  endpoint: (row, value) => row.endpoint === value,
  path: (row, value) => within(row.path, value),
  method: (row, value) => row.method.toLowerCase() === value.toLowerCase(),
  status: (row, value) => row.status !== null && statusPasses(row.status, value),
  min_ms: (row, value) => ms(row) >= Number(value),
  max_ms: (row, value) => ms(row) <= Number(value),
  min_size: (row, value) => row.response_size >= Number(value),
  max_size: (row, value) => row.response_size <= Number(value),
  header: () => true,
  q: () => true,
};

function statusPasses(status, part) {
  if (/^[1-5]xx$/i.test(part)) return Math.floor(status / 100) === Number(part[0]);
  const [low, high = low] = part.split("-").map(Number);
  return status >= low && status <= high;
}

const UNITS_MS = { "": 1, ms: 1, s: 1000, m: 60_000 };
const UNITS_SIZE = { "": 1, b: 1, k: 1000, kb: 1000, m: 1e6, mb: 1e6 };

function number(text, units) {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = match && units[match[2].toLowerCase()];
  return unit === undefined || unit === null ? null : String(Math.round(Number(match[1]) * unit));
}

/** A duration as a person writes it (`250`, `250ms`, `1.5s`), in milliseconds; null if it is none. */
export const parseDuration = (text) => number(text, UNITS_MS);

/** A size as a person writes it (`512`, `10k`, `1.5 MB`), in bytes; null if it is none. */
export const parseSize = (text) => number(text, UNITS_SIZE);

/** Whether the agent would understand this as statuses. */
export const isStatus = (text) => /^\s*([1-5]xx|[1-5]\d\d(-[1-5]\d\d)?)\s*$/i.test(text);

/**
 * Reads `status:5xx`, `path:/api`, `>250ms`, `header:accept:json` as they may be typed into the
 * search field. Null if it is only text.
 */
export function parseTerm(text) {
  const compare = /^([<>])=?\s*(.+)$/.exec(text.trim());
  if (compare) {
    const bound = compare[1] === ">" ? "min" : "max";
    const size = /[kmg]?b$|k$/i.test(compare[2]) && parseSize(compare[2]);
    if (size) return { [`${bound}_size`]: size };
    const time = parseDuration(compare[2]);
    return time && { [`${bound}_ms`]: time };
  }
  const [, name, value] = /^(endpoint|path|method|status|header):(.+)$/.exec(text.trim()) ?? [];
  if (!name || (name === "status" && !isStatus(value))) return null;
  return { [name]: value.trim() };
}
