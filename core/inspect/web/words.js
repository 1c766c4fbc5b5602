// Which words of two lines differ. Lines are short, so the plain table for the longest common
// subsequence will do; longer ones are compared by what they share at both ends.

const MOST_CELLS = 40_000;

/** Two lists of `[same, text]`, one for each line. */
export function words(left, right) {
  const a = left.match(/\w+|\s+|[^\w\s]/gu) ?? [];
  const b = right.match(/\w+|\s+|[^\w\s]/gu) ?? [];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const middle = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const [x, y] = middle[0].length * middle[1].length > MOST_CELLS ? [[[false, middle[0].join("")]], [[false, middle[1].join("")]]] : common(...middle);
  const head = [[true, a.slice(0, start).join("")]];
  const tail = [[true, end > 0 ? a.slice(a.length - end).join("") : ""]];
  return [join([...head, ...x, ...tail]), join([...head, ...y, ...tail])];
}

function common(a, b) {
  const width = b.length + 1;
  const table = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      table[i * width + j] = a[i] === b[j] ? table[(i + 1) * width + j + 1] + 1 : Math.max(table[(i + 1) * width + j], table[i * width + j + 1]);
    }
  }
  const left = [];
  const right = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      left.push([true, a[i]]);
      right.push([true, b[j]]);
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && table[(i + 1) * width + j] >= table[i * width + j + 1])) left.push([false, a[i++]]);
    else right.push([false, b[j++]]);
  }
  return [left, right];
}

function join(parts) {
  const out = [];
  for (const [same, text] of parts) {
    if (!text) continue;
    if (out.at(-1)?.[0] === same) out.at(-1)[1] += text;
    else out.push([same, text]);
  }
  return out;
}
