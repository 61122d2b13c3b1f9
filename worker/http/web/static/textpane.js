/** The page's text beside its picture, line by line in reading order, and in step with it. */

import { copy } from "./dialogs.js";
import { button, h, mark, say } from "./dom.js";
import { places, sureness } from "./lines.js";
import { percent, plural } from "./words.js";

export class TextPane {
  /** @param told `{pick(line), hover(line), show(line)}`; `show` when its place on the page is asked for */
  constructor(told) {
    this.told = told;
    this.lines = [];
    this.rows = new Map();
    this.current = -1;
    this.wanted = "";
    this.kept = null;
    this.title = h("h2", {}, "Text");
    this.about = h("span", { class: "quiet" });
    this.copyAll = button("copy", "Copy the page’s text", () => copy(this.text(), "Text"));
    this.list = h("ol", { class: "text-lines", "aria-label": "Lines in reading order" });
    this.body = h("div", { class: "pane-body", tabindex: "0", role: "region", "aria-label": "Text of the page" }, this.list);
    this.note = h("p", { class: "pane-note", hidden: true });
    this.foot = h("p", { class: "pane-foot" });
    this.element = h(
      "section",
      { class: "pane text-pane", "aria-label": "Text" },
      h("header", { class: "pane-head" }, this.title, this.about, this.copyAll),
      this.note,
      this.body,
      this.foot,
    );
    this.listen();
  }

  listen() {
    const lineAt = (event) => this.lineOf(event.target.closest?.("li"));
    this.list.addEventListener("pointerover", (event) => this.told.hover(lineAt(event)));
    this.list.addEventListener("pointerleave", () => this.told.hover(null));
    this.list.addEventListener("click", (event) => getSelection().isCollapsed && this.told.pick(lineAt(event)));
    this.list.addEventListener("focusin", (event) => {
      const line = lineAt(event);
      if (line && line.index !== this.current) this.told.pick(line);
    });
    this.element.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && this.lineAt(this.current) && event.target.closest("li")) {
      event.preventDefault();
      this.told.show(this.lineAt(this.current));
    }
  }

  /** Go to the next line among those that are shown, `by` 1 or -1. */
  move(by) {
    const shown = this.shown();
    const at = shown.findIndex((line) => line.index === this.current);
    const next = shown[at === -1 ? (by > 0 ? 0 : shown.length - 1) : at + by];
    if (!next) return;
    this.told.pick(next);
    this.rows.get(next.index)?.focus();
  }

  shown() {
    return this.kept === null ? this.lines : this.lines.filter((line) => this.kept.has(line.index));
  }

  lineAt(index) {
    return this.lines.find((line) => line.index === index) ?? null;
  }

  lineOf(row) {
    return row ? this.lineAt(Number(row.dataset.index)) : null;
  }

  /** Show a page's lines. */
  show(page) {
    this.lines = page.lines;
    this.current = -1;
    this.kept = null;
    this.draw();
    this.body.scrollTop = 0;
    this.copyAll.disabled = page.lines.length === 0;
    const empty = page.state === "done" && page.lines.length === 0;
    this.tell(page.state === "failed" ? page.reason : empty ? "There is no text on this page." : "");
    say(this.foot, page.details ? detailsOf(page.details) : "");
  }

  /** Say something in place of the lines. */
  empty(sentence) {
    this.show({ state: "pending", lines: [] });
    this.tell(sentence);
  }

  tell(sentence) {
    this.note.hidden = !sentence;
    say(this.note, sentence ?? "");
  }

  draw() {
    this.rows.clear();
    const rows = this.lines.map((line) => {
      const row = h(
        "li",
        { class: `s${sureness(line.score)}${line.begins ? " begins" : ""}`, "data-index": line.index, tabindex: "-1" },
        h("span", { class: "words", dir: line.direction }, marked(line.text, this.wanted)),
        h("span", { class: "sure", title: "How sure the reading is" }, percent(line.score)),
      );
      this.rows.set(line.index, row);
      return row;
    });
    this.list.replaceChildren(...rows);
    this.count();
    this.settle();
  }

  count() {
    const shown = this.shown().length;
    const all = this.lines.length;
    say(this.about, all === 0 ? "" : shown === all ? plural(all, "line") : `${shown} of ${plural(all, "line")}`);
  }

  /** One row is in the order of the tabulator key: the current one, or the first. */
  settle() {
    const first = this.shown()[0]?.index;
    const stop = this.rows.has(this.current) && !this.rows.get(this.current).hidden ? this.current : first;
    for (const [index, row] of this.rows) {
      mark(row, "tabindex", index === stop ? "0" : "-1");
      mark(row, "aria-current", index === this.current ? "true" : null);
    }
  }

  /** Show as pointed at the line of this place in the JSON; -1 for none. */
  hover(index) {
    for (const [each, row] of this.rows) row.classList.toggle("hover", each === index);
  }

  /** Make a line the current one and bring it into sight. */
  pick(index) {
    this.current = index;
    this.settle();
    const row = this.rows.get(index);
    if (!row) return;
    const [top, bottom] = [row.offsetTop, row.offsetTop + row.offsetHeight];
    const { scrollTop, clientHeight } = this.body;
    if (top < scrollTop || bottom > scrollTop + clientHeight) this.body.scrollTop = top - clientHeight / 3;
  }

  /** Show only these lines; null for all. */
  keep(kept) {
    this.kept = kept;
    for (const [index, row] of this.rows) row.hidden = kept !== null && !kept.has(index);
    this.count();
    this.settle();
  }

  /** Mark what is searched for. */
  find(wanted) {
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    for (const line of this.lines) {
      this.rows.get(line.index).querySelector(".words").replaceChildren(...marked(line.text, wanted));
    }
  }

  /** What is shown, as text: paragraphs with a line between them. */
  text() {
    return this.shown().reduce((text, line, at) => text + (at ? (line.begins ? "\n\n" : "\n") : "") + line.text, "");
  }
}

function detailsOf({ engine, seconds, warning }) {
  const read = seconds === null ? "" : `Read in ${seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`}`;
  return [read, engine, warning].filter(Boolean).join(" · ");
}

/** A text with what was searched for in it marked. */
export function marked(text, wanted) {
  const parts = [];
  let from = 0;
  for (const [start, end] of places(text, wanted)) {
    parts.push(text.slice(from, start), h("mark", {}, text.slice(start, end)));
    from = end;
  }
  return [...parts, text.slice(from)];
}
