// What this browser remembers of the page: theme, width of the list. Refused storage is no error.

/** The remembered value, or null. */
export function recall(name) {
  try {
    return localStorage.getItem(`adit-${name}`);
  } catch {
    return null;
  }
}

/** Remembers a value; null forgets it. */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(`adit-${name}`);
    else localStorage.setItem(`adit-${name}`, String(value));
  } catch {
    // Private windows may refuse; the page works without.
  }
}
