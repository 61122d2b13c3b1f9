/** Beside the page: all pages small, or those that failed, or what a search has found. */

import { h, mark, say } from "./dom.js";
import { marked } from "./textpane.js";
import { LongList } from "./virtual.js";
import { PAGE_STATES, count, plural } from "./words.js";

const PAGE_HEIGHT = 168;
const FOUND_HEIGHT = 74;
const SNIPPET = 60; // characters before what was found

export class Rail {
  /** @param told `{found(at)}`: a place that a search has found was chosen */
  constructor(pages, link, told) {
    this.pages = pages;
    this.link = link;
    this.told = told;
    this.items = [];
    this.failedOnly = false;
    this.current = 0;
    this.found = null;
    this.title = h("h2", {}, "Pages");
    this.filter = h("button", { type: "button", class: "chip", "aria-pressed": "false", hidden: true, click: () => this.toggle() });
    this.body = h("div", { class: "pane-body", tabindex: "-1" });
    this.element = h("nav", { class: "pane rail", "aria-label": "Pages" }, h("header", { class: "pane-head" }, this.title, this.filter), this.body);
    this.body.addEventListener("scroll", () => this.unwanted(), { passive: true });
    this.lay();
  }

  /** The pages as they are now. */
  set(items) {
    const same = items.length === this.items.length;
    const changed = same ? items.filter((item, at) => item.state !== this.items[at].state) : [];
    this.items = items;
    const failed = items.filter((item) => item.state === "failed").length;
    this.filter.hidden = failed === 0 || failed === items.length;
    say(this.filter, `${count(failed)} failed`);
    if (this.found) return;
    if (!same || this.failedOnly) this.refresh();
    else for (const item of changed) this.list.renew(item.number - 1);
  }

  toggle() {
    this.failedOnly = !this.failedOnly;
    mark(this.filter, "aria-pressed", String(this.failedOnly));
    this.found = null;
    this.lay();
  }

  /** Show what a search has found; null for the pages again. */
  results(found, wanted = "") {
    this.found = found;
    this.wanted = wanted;
    this.lay();
  }

  /** A list of its own for each kind of row, since their heights differ. */
  lay() {
    this.list?.end();
    this.body.replaceChildren();
    const finding = this.found !== null;
    this.list = new LongList(this.body, {
      height: finding ? FOUND_HEIGHT : PAGE_HEIGHT,
      render: (at) => (finding ? this.foundRow(at) : this.pageRow(at)),
      label: finding ? "Found lines" : "Pages",
    });
    this.refresh();
  }

  refresh() {
    if (this.found) {
      say(this.title, this.found.length ? plural(this.found.length, "line") : "Nothing found");
      this.list.reset(this.found.length);
      return;
    }
    this.shown = this.failedOnly ? this.items.filter((item) => item.state === "failed") : this.items;
    say(this.title, plural(this.items.length, "page"));
    this.list.reset(this.shown.length);
    this.reveal();
  }

  /** The page that is open. */
  at(number) {
    const before = this.current;
    this.current = number;
    if (this.found) return;
    for (const each of [before, number]) this.list.renew(this.shown.findIndex((item) => item.number === each));
    this.reveal();
  }

  reveal() {
    const at = this.shown.findIndex((item) => item.number === this.current);
    if (at !== -1) this.list.reveal(at);
  }

  /** Of what was found, the one that is open. */
  foundAt(at) {
    this.foundCurrent = at;
    const [first, last] = this.list.sight();
    for (let each = first; each <= last; each += 1) this.list.renew(each);
    this.list.reveal(at);
  }

  pageRow(at) {
    const item = this.shown[at];
    const image = h("img", { alt: "", draggable: "false", hidden: true });
    if (item.state === "done") {
      this.pages.small(item.number).then(
        (url) => {
          image.src = url;
          image.hidden = false;
        },
        () => {}, // it stays blank
      );
    }
    const current = item.number === this.current;
    return h(
      "a",
      {
        class: "small-page",
        href: this.link(item.number),
        "data-state": item.state,
        "aria-current": current ? "page" : null,
        "aria-label": `Page ${item.number}, ${PAGE_STATES[item.state] ?? item.state}`,
        title: item.reason,
      },
      h("span", { class: "small-paper" }, image),
      h("span", { class: "small-number" }, count(item.number)),
    );
  }

  foundRow(at) {
    const { page, text } = this.found[at];
    const start = Math.max(0, text.toLowerCase().indexOf(this.wanted.toLowerCase()) - SNIPPET);
    const snippet = (start ? "…" : "") + text.slice(start);
    return h(
      "button",
      { type: "button", class: "found", "aria-current": at === this.foundCurrent ? "true" : null, click: () => this.told.found(at) },
      h("span", { class: "found-page" }, `Page ${count(page)}`),
      h("span", { class: "found-text", dir: "auto" }, marked(snippet, this.wanted)),
    );
  }

  /** Small pictures that were scrolled past before their turn came are not fetched. */
  unwanted() {
    if (this.found) return;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      const [first, last] = this.list.sight();
      const seen = new Set(this.shown.slice(first, last + 1).map((item) => item.number));
      for (const { number } of [...this.pages.queue]) if (!seen.has(number)) this.pages.unwanted(number);
    }, 120);
  }

  end() {
    this.list.end();
    clearTimeout(this.settling);
  }
}
