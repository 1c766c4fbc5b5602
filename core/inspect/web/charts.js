// Small line charts, drawn as SVG: the last five minutes, one value a second. A sentence below
// each says the same in words; the arrow keys move along it.

import { add, h, put, svg } from "./dom.js";
import { clock } from "./format.js";

const HEIGHT = 132;
const LEFT = 52;
const BOTTOM = 18;
const TOP = 8;
const LINES = 3;

export class Chart {
  element;
  #title;
  #format;
  #names;
  #holder;
  #words;
  #legend;
  #series = null;
  #end = 0;
  #at = null;
  #least;

  /** `lines`: `[{key, label, hue}]`; `format` writes a value; the scale goes to `least` at least. */
  constructor(title, lines, format, least = 0) {
    this.#least = least;
    this.#title = title;
    this.#format = format;
    this.#names = lines;
    this.#holder = h("div", {
      class: "chart-holder",
      tabindex: "0",
      role: "img",
      on: {
        pointermove: (event) => this.#point(event.offsetX),
        pointerleave: () => this.#look(null),
        blur: () => this.#look(null),
        keydown: (event) => this.#key(event),
      },
    });
    this.#words = h("figcaption", { class: "chart-words" });
    this.#legend = h("span", { class: "chart-legend num" });
    this.element = h("figure", { class: "chart" }, h("div", { class: "chart-head" }, h("h3", {}, title), this.#legend), this.#holder, this.#words);
    new ResizeObserver(() => this.#draw()).observe(this.#holder);
  }

  /** `values`: for each key of the lines, numbers, oldest first; `end`: epoch seconds of the last. */
  show(values, end) {
    this.#series = this.#names.map((line) => ({ ...line, values: values[line.key] ?? [] }));
    this.#end = end;
    this.#draw();
  }

  #draw() {
    if (!this.#series) return;
    const width = this.#holder.clientWidth;
    if (width < LEFT + 20) return;
    const n = this.#series[0].values.length;
    const most = Math.max(0, ...this.#series.flatMap((line) => line.values));
    const top = Math.max(this.#least, nice(most));
    const x = (at) => LEFT + (at / Math.max(1, n - 1)) * (width - LEFT - 4);
    const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP);
    const picture = svg("svg", { class: "chart-picture", width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, "aria-hidden": "true" });
    for (let line = 0; line <= LINES; line += 1) {
      const value = (top * line) / LINES;
      add(picture, [
        svg("line", { class: "chart-grid", x1: LEFT, x2: width - 4, y1: y(value), y2: y(value) }),
        svg("text", { class: "chart-label", x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, this.#format(value)),
      ]);
    }
    for (const minutes of [4, 3, 2, 1]) {
      const at = n - 1 - minutes * 60;
      if (at > 0) picture.append(svg("text", { class: "chart-label", x: x(at), y: HEIGHT - 3, "text-anchor": "middle" }, `−${minutes} min`));
    }
    picture.append(svg("text", { class: "chart-label", x: width - 4, y: HEIGHT - 3, "text-anchor": "end" }, "now"));
    this.#series.forEach((line, order) => {
      const points = line.values.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
      if (points.length === 0) return;
      if (order === 0) picture.append(svg("path", { class: `chart-area ${line.hue}`, d: `M${x(0)},${y(0)}L${points.join("L")}L${x(n - 1)},${y(0)}Z` }));
      picture.append(svg("path", { class: `chart-line ${line.hue}`, d: `M${points.join("L")}` }));
    });
    if (this.#at !== null && this.#at < n) picture.append(svg("line", { class: "chart-cursor", x1: x(this.#at), x2: x(this.#at), y1: TOP, y2: HEIGHT - BOTTOM }));
    put(this.#holder, picture);
    this.#say();
  }

  #say() {
    const last = this.#series[0].values.length - 1;
    const at = this.#at ?? last;
    put(this.#legend, this.#at === null ? null : h("span", { class: "dim" }, clock((this.#end - (last - at)) * 1000)), this.#series.map((line) =>
      h("span", {}, h("i", { class: `swatch ${line.hue}` }), `${line.label} `, h("b", {}, this.#format(line.values[at] ?? 0))),
    ));
    const words = this.#series.map((line) => `${line.label}: now ${this.#format(line.values[last] ?? 0)}, peak ${this.#format(Math.max(0, ...line.values))}`).join("; ");
    this.#words.textContent = words;
    this.#holder.setAttribute("aria-label", `${this.#title}, last five minutes. ${words}`);
  }

  #point(offset) {
    const n = this.#series?.[0].values.length ?? 0;
    const share = (offset - LEFT) / (this.#holder.clientWidth - LEFT - 4);
    this.#look(Math.max(0, Math.min(n - 1, Math.round(share * (n - 1)))));
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !this.#series) return;
    event.preventDefault();
    const last = this.#series[0].values.length - 1;
    this.#look(Math.max(0, Math.min(last, (this.#at ?? last) + step * (event.shiftKey ? 30 : 1))));
  }

  #look(at) {
    if (this.#at === at) return;
    this.#at = at;
    this.#draw();
  }
}

/** The next number whose third is round too: the top of the scale. */
export function nice(value) {
  if (value <= 0) return 1;
  const magnitude = 10 ** Math.floor(Math.log10(value));
  for (const step of [1.2, 1.5, 1.8, 2.4, 3, 4.5, 6, 7.5, 9]) if (value <= step * magnitude) return step * magnitude;
  return 12 * magnitude;
}
