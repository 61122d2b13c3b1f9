/** The page's picture, with its lines over it: to point at, to select, to copy. */

import { copy } from "./dialogs.js";
import { button, h, mark, say } from "./dom.js";
import { places, sureness } from "./lines.js";
import { percent } from "./words.js";

const STEP = 1.25;
const LEAST = 0.05;
const MOST = 8;
const MARGIN = 24; // pixels around the page
const LETTERS = 0.76; // of a line's height is its letters' size
const FONT = "sans-serif";
const measuring = document.createElement("canvas").getContext("2d");

export class Sheet {
  /**
   * @param pages where pictures come from
   * @param told `{pick(line), hover(line)}`; either gets null for none
   */
  constructor(pages, told) {
    this.pages = pages;
    this.told = told;
    this.zoom = "page";
    this.scale = 1;
    this.lines = new Map();
    this.image = h("img", { alt: "", draggable: "false" });
    this.layer = h("div", { class: "layer", "aria-hidden": "true" });
    this.card = h("div", { class: "card", hidden: true });
    this.paper = h("div", { class: "paper" }, this.image, this.layer, this.card);
    this.words = h("p", {});
    this.peek = h("button", { type: "button", class: "button", click: () => this.paint(true) }, "Show its picture");
    this.note = h("div", { class: "sheet-note", role: "status" }, this.words, this.peek);
    this.element = h("section", { class: "sheet", tabindex: "0", "aria-label": "Page" }, this.paper, this.note);
    this.listen();
  }

  listen() {
    new ResizeObserver(() => this.fit()).observe(this.element);
    const lineAt = (event) => this.lines.get(event.target.closest?.(".mark")) ?? null;
    this.layer.addEventListener("pointerover", (event) => this.told.hover(lineAt(event)));
    this.layer.addEventListener("pointerleave", () => this.told.hover(null));
    this.layer.addEventListener("pointerdown", () => {
      this.card.hidden = true; // lines under it can be selected
    });
    this.layer.addEventListener("copy", (event) => this.copied(event));
    this.paper.addEventListener("click", (event) => {
      if (this.card.contains(event.target) || !getSelection().isCollapsed) return;
      this.told.pick(lineAt(event));
    });
    this.element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  /** What is selected over several lines is copied line by line. */
  copied(event) {
    const parts = [...getSelection().getRangeAt(0).cloneContents().querySelectorAll(".mark")];
    if (!parts.length) return;
    event.clipboardData.setData("text/plain", parts.map((part) => part.textContent).join("\n"));
    event.preventDefault();
  }

  wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.zoomTo(this.scale * STEP ** (-event.deltaY / 100), [event.clientX, event.clientY]);
  }

  /** Show a page. `number` names it, `page` is as `pageOf` gives it. */
  async show(number, page, title) {
    this.number = number;
    this.page = page;
    mark(this.element, "data-state", page.state);
    this.image.alt = `Page ${number} of ${title}`;
    this.image.hidden = true;
    this.draw();
    this.tell(page.reason ?? "", page.state === "failed");
    this.asked = 0;
    this.fit();
    await this.paint();
  }

  /** Say something in place of a page. */
  empty(sentence) {
    this.page = null;
    this.image.hidden = true;
    this.lines.clear();
    this.layer.replaceChildren();
    this.card.hidden = true;
    mark(this.element, "data-state", "empty");
    this.tell(sentence);
  }

  /** Say something beside or in place of the page; with `peek`, its picture can be asked for. */
  tell(sentence, peek = false) {
    say(this.words, sentence);
    this.note.hidden = !sentence;
    this.peek.hidden = !peek;
  }

  draw() {
    this.lines.clear();
    this.card.hidden = true;
    const marks = this.page.lines.map((line) => {
      const element = markOf(line);
      this.lines.set(element, line);
      return element;
    });
    this.layer.replaceChildren(...marks);
    for (const element of this.layer.querySelectorAll(".upright")) stretchDown(element);
  }

  /**
   * Fetch the picture in the size that is shown, and a larger one when there is need for it. That of a page
   * which could not be read perhaps cannot be drawn either: it is fetched when it is asked for.
   */
  async paint(asked = false) {
    const { number, page } = this;
    if (!page || (page.state === "failed" && !asked)) return;
    const side = this.pages.sideFor(Math.max(page.width, page.height) * this.scale * Math.min(devicePixelRatio, 3));
    if (side <= this.asked) return;
    this.asked = side;
    const stale = () => this.page !== page || this.asked !== side;
    try {
      const url = await this.pages.picture(number, side);
      if (stale()) return;
      this.image.src = url;
      await this.image.decode();
      if (stale()) return;
      this.image.hidden = false;
      if (!page.width) this.measure();
      mark(this.element, "data-state", "done");
      this.peek.hidden = true;
    } catch (error) {
      if (!stale() && error.name !== "AbortError") this.tell(`There is no picture of this page. ${error.message}`);
    }
  }

  /** A page that was not read tells no size: its picture does. */
  measure() {
    this.page.width = this.image.naturalWidth;
    this.page.height = this.image.naturalHeight;
    this.fit();
  }

  /** Lay the page out for the room there is. */
  fit() {
    if (!this.page?.width) return;
    const { width, height } = this.page;
    const across = (this.element.clientWidth - 2 * MARGIN) / width;
    const down = (this.element.clientHeight - 2 * MARGIN) / height;
    if (this.zoom === "width") this.scale = across;
    else if (this.zoom === "page") this.scale = Math.min(across, down);
    else this.scale = this.zoom;
    this.scale = Math.min(MOST, Math.max(LEAST, this.scale));
    this.paper.style.width = `${width * this.scale}px`;
    this.paper.style.height = `${height * this.scale}px`;
    this.layer.style.width = `${width}px`;
    this.layer.style.height = `${height}px`;
    this.layer.style.transform = `scale(${this.scale})`;
    this.layer.style.setProperty("--pixel", `${1 / this.scale}px`);
    if (!this.card.hidden) this.placeCard(this.carded);
    this.told.zoomed?.(this.scale);
    this.paint();
  }

  /** `page`, `width`, or a scale; the point `at` of the window stays where it is. */
  zoomTo(zoom, at = null) {
    const view = this.element.getBoundingClientRect();
    const [x, y] = at ?? [view.left + view.width / 2, view.top + view.height / 2];
    const paper = this.paper.getBoundingClientRect();
    const part = [(x - paper.left) / paper.width, (y - paper.top) / paper.height];
    this.zoom = typeof zoom === "number" ? Math.min(MOST, Math.max(LEAST, zoom)) : zoom;
    this.fit();
    const now = this.paper.getBoundingClientRect();
    this.element.scrollLeft += now.left + part[0] * now.width - x;
    this.element.scrollTop += now.top + part[1] * now.height - y;
  }

  zoomBy(steps) {
    this.zoomTo(this.scale * STEP ** steps);
  }

  /** Show as pointed at, or picked, the line of this place in the JSON; -1 for none. */
  point(name, index) {
    for (const [element, line] of this.lines) element.classList.toggle(name, line.index === index);
  }

  /** Bring a line into sight, with a card that tells of it when `card`. */
  reveal(index, { card = false } = {}) {
    this.card.hidden = true;
    for (const [element, line] of this.lines) {
      if (line.index !== index) continue;
      this.centre(element.getBoundingClientRect());
      if (card) this.describe(line);
    }
  }

  centre(target) {
    const view = this.element.getBoundingClientRect();
    const out = (low, high, from, to) => low < from + MARGIN || high > to - MARGIN;
    if (out(target.top, target.bottom, view.top, view.bottom)) {
      this.element.scrollTop += (target.top + target.bottom - view.top - view.bottom) / 2;
    }
    if (out(target.left, target.right, view.left, view.right)) {
      this.element.scrollLeft += (target.left + target.right - view.left - view.right) / 2;
    }
  }

  describe(line) {
    const about = [`${percent(line.score)} sure`, line.source === "pdf" && "from the PDF’s own text", line.language].filter(Boolean);
    this.card.replaceChildren(
      h("p", { dir: line.direction, class: "card-text" }, line.text),
      h(
        "div",
        { class: "card-foot" },
        h("span", { class: `sure s${sureness(line.score)}` }, about.join(" · ")),
        button("copy", "Copy line", () => copy(line.text, "Line")),
      ),
    );
    this.carded = line;
    this.card.hidden = false;
    this.placeCard(line);
  }

  /** Below the line, or above it where there is no room; within the page's width. */
  placeCard(line) {
    const element = [...this.lines].find(([, each]) => each === line)?.[0];
    if (!element) return;
    const target = element.getBoundingClientRect();
    const paper = this.paper.getBoundingClientRect();
    const view = this.element.getBoundingClientRect();
    const { offsetWidth, offsetHeight } = this.card;
    const below = target.bottom + 8 + offsetHeight < view.bottom || target.top - view.top < offsetHeight + 8;
    const left = Math.max(view.left + 8, Math.min(target.left, view.right - offsetWidth - 24));
    this.card.style.left = `${left - paper.left}px`;
    this.card.style.top = `${(below ? target.bottom + 8 : target.top - offsetHeight - 8) - paper.top}px`;
  }

  /** Fade the lines that are not among these; null fades none. */
  keep(kept) {
    this.card.hidden = true;
    for (const [element, line] of this.lines) element.classList.toggle("out", kept !== null && !kept.has(line.index));
  }

  /** Colour the lines by how sure they are, or not. */
  colour(on) {
    this.layer.classList.toggle("coloured", on);
  }

  /** Mark the lines in which `wanted` stands. */
  find(wanted) {
    for (const [element, line] of this.lines) element.classList.toggle("hit", wanted !== "" && places(line.text, wanted).length > 0);
  }
}

/** A line's box with its text inside, unseen, stretched so that what is selected is what is seen. */
function markOf(line) {
  const { x, y, width, height, angle, upright } = line.box;
  const text = h("span", { dir: line.direction }, line.text);
  const element = h("div", { class: `mark s${sureness(line.score)}${upright ? " upright" : ""}` }, text);
  const size = upright ? width : height;
  const letters = Math.max(1, size * LETTERS);
  Object.assign(element.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
  element.style.transform = `rotate(${angle}rad)`;
  element.style.lineHeight = `${size}px`;
  element.style.fontSize = `${letters}px`;
  if (!upright) text.style.transform = `scaleX(${width / lengthOf(line.text, letters)})`;
  return element;
}

/** The same down a column; how tall characters stand there is known once they are on the page. */
function stretchDown(element) {
  const [text] = element.children;
  text.style.transform = `scaleY(${Number.parseFloat(element.style.height) / Math.max(1, text.offsetHeight)})`;
}

/** How long a text is in the layer's font. */
function lengthOf(text, letters) {
  measuring.font = `${letters}px ${FONT}`;
  return Math.max(1, measuring.measureText(text).width);
}
