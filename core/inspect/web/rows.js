// The rows of the list: what was loaded, what came since, and what waits until the person looks.

import * as api from "./api.js";
import { needsAgent, passes } from "./query.js";

const PAGE = 500;
// While a filter asks for what rows do not have, the agent is asked again, but not for every row.
const ASK_AGAIN_MS = 400;

export class Rows {
  /** Sorted by id, oldest first, so that a new one goes to the end. */
  #rows = [];
  #byId = new Map();
  #waiting = [];
  #filter = new URLSearchParams();
  #generation = 0;
  #loading = null;
  #askAgain = null;
  /** What was told while the first page was on its way, which may not know it yet. */
  #meanwhile = null;
  #changed;

  /** Whether new rows wait instead of showing. */
  paused = false;
  /** Whether the agent has older rows. */
  more = false;
  /** How many changes never reached this page. */
  lost = 0;
  /** Whether the first page is there. */
  ready = false;
  /** Why the list could not be loaded. */
  error = null;

  /** `changed({fresh})` is called after each change with the ids of rows that just came. */
  constructor(changed) {
    this.#changed = changed;
  }

  get length() {
    return this.#rows.length;
  }

  get waiting() {
    return this.#waiting.length;
  }

  /** The row at this place, newest first. */
  at(index) {
    return this.#rows[this.#rows.length - 1 - index];
  }

  get(id) {
    return this.#byId.get(id);
  }

  /** The place of a row, newest first; -1 if it is not in the list. */
  indexOf(id) {
    const found = this.#search(id);
    return this.#rows[found]?.id === id ? this.#rows.length - 1 - found : -1;
  }

  /** Loads the list from its beginning. */
  async load(filter = this.#filter) {
    this.#filter = filter;
    const generation = ++this.#generation;
    this.#meanwhile = [];
    try {
      const page = await api.exchanges(filter, { limit: PAGE });
      if (generation !== this.#generation) return;
      this.#rows = page.exchanges.reverse();
      this.#byId = new Map(this.#rows.map((row) => [row.id, row]));
      this.#waiting = [];
      this.more = page.more;
      this.error = null;
      this.lost = 0;
    } catch (error) {
      if (generation !== this.#generation) return;
      this.error = error;
    }
    this.ready = true;
    const meanwhile = this.#meanwhile;
    this.#meanwhile = null;
    this.apply(meanwhile);
  }

  /** Loads older rows, if there are any. */
  loadOlder() {
    if (!this.more || this.#loading) return this.#loading;
    const generation = this.#generation;
    this.#loading = (async () => {
      try {
        const page = await api.exchanges(this.#filter, { before: this.#rows[0]?.id, limit: PAGE * 2 });
        if (generation !== this.#generation) return;
        const older = page.exchanges.reverse().filter((row) => !this.#byId.has(row.id));
        for (const row of older) this.#byId.set(row.id, row);
        this.#rows = older.concat(this.#rows);
        this.more = page.more;
      } catch (error) {
        if (generation === this.#generation) this.error = error;
      } finally {
        this.#loading = null;
      }
      this.#changed({ fresh: [] });
    })();
    return this.#loading;
  }

  /** Shows the rows that wait. */
  resume() {
    this.paused = false;
    if (this.#waiting.length === 0) return;
    const fresh = this.#waiting.map((row) => row.id);
    this.#rows.push(...this.#waiting);
    this.#waiting = [];
    this.#changed({ fresh });
  }

  /** Takes over what the agent told. */
  apply(events) {
    this.#meanwhile?.push(...events);
    const fresh = [];
    const evicted = new Set();
    for (const [name, data] of events) {
      if (name === "exchange") this.#take(data, fresh);
      else if (name === "evicted") for (const id of data.ids) evicted.add(id);
      else if (name === "lost") this.lost += data.n;
      else if (name === "cleared") {
        this.#forget();
        fresh.length = 0;
      }
    }
    if (evicted.size > 0) this.#evict(evicted);
    this.#changed({ fresh });
  }

  #take(row, fresh) {
    const known = this.#byId.get(row.id);
    if (known) {
      Object.assign(known, row);
      return;
    }
    if (needsAgent(this.#filter)) {
      this.#askLater();
      return;
    }
    if (!passes(this.#filter, row)) return;
    this.#insert(row, fresh);
  }

  #insert(row, fresh) {
    const newest = (this.#waiting.at(-1) ?? this.#rows.at(-1))?.id ?? "";
    if (row.id > newest) {
      this.#byId.set(row.id, row);
      if (this.paused) this.#waiting.push(row);
      else {
        this.#rows.push(row);
        fresh.push(row.id);
      }
      return;
    }
    // Older than what is there: an import, or a row that passes the filter only now that it is over.
    if (this.more && row.id < (this.#rows[0]?.id ?? "")) return;
    this.#byId.set(row.id, row);
    const list = this.#waiting.length > 0 && row.id > this.#waiting[0].id ? this.#waiting : this.#rows;
    const place = list.findLastIndex((other) => other.id < row.id) + 1;
    list.splice(place, 0, row);
    if (list === this.#rows) fresh.push(row.id);
  }

  #askLater() {
    if (this.#askAgain) return;
    this.#askAgain = setTimeout(async () => {
      this.#askAgain = null;
      const generation = this.#generation;
      try {
        const page = await api.exchanges(this.#filter, { limit: PAGE });
        if (generation !== this.#generation) return;
        const fresh = [];
        for (const row of page.exchanges.reverse()) {
          const known = this.#byId.get(row.id);
          if (known) Object.assign(known, row);
          else this.#insert(row, fresh);
        }
        this.#changed({ fresh });
      } catch (error) {
        this.error = error;
      }
    }, ASK_AGAIN_MS);
  }

  #evict(gone) {
    for (const id of gone) this.#byId.delete(id);
    const stays = (row) => !gone.has(row.id);
    this.#rows = this.#rows.filter(stays);
    this.#waiting = this.#waiting.filter(stays);
  }

  #forget() {
    this.#generation += 1;
    this.#rows = [];
    this.#byId.clear();
    this.#waiting = [];
    this.more = false;
    this.lost = 0;
  }

  #search(id) {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#rows[middle].id < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
