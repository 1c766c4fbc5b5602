// The agent's event stream. Events are gathered and handed on once per frame, so that a thousand
// of them cost one drawing.

const listeners = new Map();
let source = null;
let gathered = [];
let scheduled = false;
let up = null;

/** Is called with the events' data, as `[name, data]` in their order, at most once a frame. */
export function onEvents(listener) {
  listeners.set(listener, listener);
}

const connection = new Set();

/** Is told whether the stream is there: `true`, or `false` while it is gone. */
export function onConnection(listener) {
  connection.add(listener);
  if (up !== null) listener(up);
}

function tellConnection(now) {
  if (up === now) return;
  up = now;
  for (const listener of connection) listener(now);
}

const NAMES = ["hello", "exchange", "evicted", "cleared", "lost", "session", "endpoints"];

/** Opens the stream. The browser opens it again by itself when it breaks. */
export function connect() {
  source?.close();
  source = new EventSource("/api/events");
  source.addEventListener("open", () => tellConnection(true));
  source.addEventListener("error", () => {
    tellConnection(false);
    // After an answer that is no stream (the agent is busy, or gone for good) a browser gives up.
    if (source?.readyState === EventSource.CLOSED) setTimeout(() => source && connect(), RETRY_MS);
  });
  for (const name of NAMES) source.addEventListener(name, (event) => gather(name, JSON.parse(event.data)));
}

// A browser has six connections to a host, for all tabs together: one that nobody looks at gives
// its own back, and begins anew when it is looked at.
let away = null;

document.addEventListener("visibilitychange", () => {
  clearTimeout(away);
  if (document.hidden) {
    away = setTimeout(() => {
      source?.close();
      source = null;
    }, AWAY_MS);
  } else if (!source) connect();
});

const AWAY_MS = 20_000;
const RETRY_MS = 2000;
// A hidden tab draws no frames, but must not gather for ever.
const HIDDEN_LIMIT = 2000;

function gather(name, data) {
  gathered.push([name, data]);
  if (document.hidden && gathered.length >= HIDDEN_LIMIT) flush();
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(flush);
}

function flush() {
  scheduled = false;
  const events = gathered;
  gathered = [];
  for (const listener of listeners.values()) listener(events);
}
