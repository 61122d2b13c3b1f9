/** A long list of which only what can be seen is there: ten thousand rows cost as much as twenty. */

import { h } from "./dom.js";

const SPARE = 4; // rows above and below what is seen

export class LongList {
  /**
   * @param box the element that scrolls
   * @param height of a row in pixels
   * @param render gives the element for a place in the list
   * @param label what the list is called
   */
  constructor(box, { height, render, label }) {
    this.box = box;
    this.height = height;
    this.render = render;
    this.rows = new Map();
    this.count = 0;
    this.list = h("ol", { class: "long-list", "aria-label": label });
    box.append(this.list);
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(box);
    box.addEventListener("scroll", () => this.draw(), { passive: true });
  }

  /** The list has so many rows now; those in sight are made anew. */
  reset(count) {
    this.count = count;
    this.list.style.height = `${count * this.height}px`;
    for (const row of this.rows.values()) row.remove();
    this.rows.clear();
    this.draw();
  }

  /** Make one row anew, if it is there. */
  renew(at) {
    const old = this.rows.get(at);
    if (!old) return;
    const focused = old.contains(document.activeElement);
    const row = this.place(at);
    old.replaceWith(row);
    this.rows.set(at, row);
    if (focused) row.querySelector("a, button")?.focus({ preventScroll: true });
  }

  /** Bring a row into sight. */
  reveal(at) {
    const top = at * this.height;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop) this.box.scrollTop = top;
    else if (top + this.height > scrollTop + clientHeight) this.box.scrollTop = top + this.height - clientHeight;
    this.draw();
  }

  /** The first and last row in sight, and a few more. */
  sight() {
    const first = Math.floor(this.box.scrollTop / this.height) - SPARE;
    const last = Math.ceil((this.box.scrollTop + this.box.clientHeight) / this.height) + SPARE;
    return [Math.max(0, first), Math.min(this.count - 1, last)];
  }

  draw() {
    const [first, last] = this.sight();
    for (const [at, row] of this.rows) {
      if ((at < first || at > last) && !row.contains(document.activeElement)) {
        row.remove();
        this.rows.delete(at);
      }
    }
    for (let at = first; at <= last; at += 1) {
      if (this.rows.has(at)) continue;
      const row = this.place(at);
      this.rows.set(at, row);
      this.list.insertBefore(row, this.after(at));
    }
  }

  /** The row that stands next in the document, so that the order for keyboards is that for eyes. */
  after(at) {
    let next = null;
    let nearest = Infinity;
    for (const [other, row] of this.rows) {
      if (other > at && other < nearest) [next, nearest] = [row, other];
    }
    return next;
  }

  place(at) {
    const row = h("li", { "aria-setsize": this.count, "aria-posinset": at + 1 }, this.render(at));
    row.style.top = `${at * this.height}px`;
    row.style.height = `${this.height}px`;
    return row;
  }

  end() {
    this.watch.disconnect();
  }
}
