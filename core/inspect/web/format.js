// Numbers and times as a person reads them.

/** A duration in milliseconds: `0.4 ms`, `12 ms`, `1.24 s`, `2 m 05 s`. */
export function duration(ms) {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return "–";
  if (ms < 0.1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, "0")} s`;
}

/** A byte count in decimal units: `512 B`, `1.2 kB`, `3.4 MB`. */
export function bytes(n) {
  if (n === null || n === undefined) return "–";
  if (n < 1000) return `${n} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = n;
  let unit = -1;
  do {
    value /= 1000;
    unit += 1;
  } while (value >= 999.5 && unit < units.length - 1);
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** A count with its thousands set apart. */
export const count = (n) => grouped.format(n ?? 0);

/** A rate: two decimals while it is small. */
export function rate(n) {
  const value = n ?? 0;
  return value === 0 ? "0" : value < 10 ? value.toFixed(2) : value < 1000 ? value.toFixed(1) : count(value);
}

/** Local clock time of an instant: `14:02:07.318`. */
export function clock(when, { millis = false } = {}) {
  const date = new Date(when);
  if (Number.isNaN(date.getTime())) return "–";
  const part = (n, width = 2) => String(n).padStart(width, "0");
  const time = `${part(date.getHours())}:${part(date.getMinutes())}:${part(date.getSeconds())}`;
  return millis ? `${time}.${part(date.getMilliseconds(), 3)}` : time;
}

/** Local date and time, for what may be older than a day. */
export function moment(when) {
  const date = new Date(when);
  if (Number.isNaN(date.getTime())) return "–";
  const part = (n) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${part(date.getMonth() + 1)}-${part(date.getDate())} ${clock(date)}`;
}

/** How long ago: `just now`, `12 s ago`, `3 min ago`, `2 h ago`. */
export function ago(when, now = Date.now()) {
  const seconds = Math.max(0, (now - new Date(when).getTime()) / 1000);
  if (Number.isNaN(seconds)) return "–";
  if (seconds < 2) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** The class of a status, which decides its colour. */
export function statusKind(status) {
  if (!status) return "none";
  if (status === 101) return "switch";
  return { 1: "moved", 2: "ok", 3: "moved", 4: "client", 5: "server" }[Math.floor(status / 100)] ?? "none";
}

/** One or many: `plural(2, "row")` is `2 rows`. */
export const plural = (n, noun, many = `${noun}s`) => `${count(n)} ${n === 1 ? noun : many}`;
