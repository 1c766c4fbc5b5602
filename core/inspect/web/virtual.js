// A list that holds only the rows that can be seen. Rows have one height; a row keeps its element
// while it stays visible, so that selection, focus and animation stay with it.

const OVERSCAN = 8;

export class Virtual {
  #viewport;
  #canvas;
  #options;
  #live = new Map();
  #pool = [];
  #scheduled = false;

  /**
   * `canvas` lies within the scrolling `viewport`. Options: `count()`, `key(index)`, `create()`,
   * `update(element, index)`, `height()` of a row in pixels.
   */
  constructor(viewport, canvas, options) {
    this.#viewport = viewport;
    this.#canvas = canvas;
    this.#options = options;
    viewport.addEventListener("scroll", () => this.refresh(), { passive: true });
    new ResizeObserver(() => this.refresh()).observe(viewport);
  }

  /** Draws again with the next frame, once, however often it is called until then. */
  refresh() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.draw();
    });
  }

  /** Draws now. */
  draw() {
    const { count, key, create, update, height } = this.#options;
    const rowHeight = height();
    const total = count();
    const tall = `${total * rowHeight}px`;
    if (this.#canvas.style.height !== tall) this.#canvas.style.height = tall;

    const top = this.#viewport.scrollTop;
    const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
    const last = Math.min(total, Math.ceil((top + this.#viewport.clientHeight) / rowHeight) + OVERSCAN);

    const before = this.#live;
    this.#live = new Map();
    const missing = [];
    for (let index = first; index < last; index += 1) {
      const id = key(index);
      const element = before.get(id);
      if (element) {
        before.delete(id);
        this.#place(id, element, index, rowHeight, update);
      } else {
        missing.push([id, index]);
      }
    }
    this.#pool.push(...before.values());
    for (const [id, index] of missing) {
      const element = this.#pool.pop() ?? create();
      if (!element.isConnected) this.#canvas.append(element);
      this.#place(id, element, index, rowHeight, update);
    }
    // What is left over is only a handful: the window moved, or the list became shorter.
    for (const element of this.#pool) element.remove();
  }

  #place(id, element, index, rowHeight, update) {
    this.#live.set(id, element);
    const transform = `translateY(${index * rowHeight}px)`;
    if (element.style.transform !== transform) element.style.transform = transform;
    update(element, index);
  }

  /** Scrolls as little as is needed to show a row. */
  reveal(index) {
    const height = this.#options.height();
    const { scrollTop, clientHeight } = this.#viewport;
    if (index * height < scrollTop) this.#viewport.scrollTop = index * height;
    else if ((index + 1) * height > scrollTop + clientHeight) {
      this.#viewport.scrollTop = (index + 1) * height - clientHeight;
    }
  }
}
