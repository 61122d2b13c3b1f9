/** An open document: its pages, the page's picture and its text, all in step. */

import { address, follow, json } from "./api.js";
import { copy, notify } from "./dialogs.js";
import { button, h, mark } from "./dom.js";
import { Head } from "./head.js";
import { Pages } from "./pages.js";
import { Rail } from "./rail.js";
import { Finder } from "./search.js";
import { Sheet } from "./sheet.js";
import { TextPane } from "./textpane.js";
import { Toolbar } from "./toolbar.js";
import { reasonOf, stateOf } from "./words.js";

const TOGETHER_MS = 200; // events of pages are shown together
const WAITING = {
  pending: "This page waits for its turn. It appears here as soon as it is read.",
  running: "This page is being read. It appears here in a moment.",
  cancelled: "This page was not read: the document was cancelled.",
  skipped: "This page was not asked for.",
};

export class Reader {
  constructor(id, number) {
    this.id = id;
    this.number = number;
    this.items = [];
    this.found = null;
    this.over = new AbortController();
    this.pages = new Pages(id);
    this.finder = new Finder(id);
    this.head = new Head(id, { changed: () => this.refresh(), gone: () => this.leave() });
    this.rail = new Rail(this.pages, (page) => this.link(page), { found: (at) => this.goTo(at) });
    this.sheet = new Sheet(this.pages, { pick: (line) => this.pick(line, true), hover: (line) => this.hover(line), zoomed: (scale) => this.toolbar.zoomed(scale) });
    this.text = new TextPane({ pick: (line) => this.pick(line, false), hover: (line) => this.hover(line), show: (line) => this.reveal(line) });
    this.toolbar = new Toolbar(this.orders());
    this.colour(true);
    this.body = h("div", { class: "reader-body", "data-pane": "page" }, this.rail.element, this.sheet.element, this.text.element);
    this.element = h("div", { class: "reader" }, this.head.element, this.head.trouble, this.toolbar.element, this.body, this.tabs());
  }

  orders() {
    return {
      turn: (by) => this.open(this.number + by),
      open: (number) => this.open(number),
      zoom: (steps) => this.sheet.zoomBy(steps),
      fit: (how) => this.sheet.zoomTo(how),
      colour: (on) => this.colour(on),
      below: () => this.keep(),
      search: (wanted) => this.search(wanted),
      step: (by) => this.step(by),
    };
  }

  /** On a narrow screen one part is seen at a time. */
  tabs() {
    const choose = (pane) => {
      mark(this.body, "data-pane", pane);
      for (const tab of tabs.children) mark(tab, "aria-pressed", String(tab.dataset.pane === pane));
      this.sheet.fit();
      this.rail.list.draw();
    };
    const tab = (pane, name) => h("button", { type: "button", "data-pane": pane, "aria-pressed": String(pane === "page"), click: () => choose(pane) }, name);
    const tabs = h("div", { class: "tabs", role: "group", "aria-label": "What is shown" }, tab("rail", "Pages"), tab("page", "Page"), tab("text", "Text"));
    this.choose = choose;
    return tabs;
  }

  link(number) {
    return `#/documents/${this.id}/${number}`;
  }

  start() {
    document.addEventListener("keydown", (event) => this.key(event), { signal: this.over.signal });
    return this.refresh();
  }

  end() {
    this.over.abort();
    this.stopFollowing?.abort();
    clearTimeout(this.batching);
    this.head.end();
    this.rail.end();
    this.pages.end();
  }

  leave() {
    notify("The results are deleted.");
    location.hash = "#/";
  }

  /** Ask for everything anew, and follow what goes on. */
  async refresh() {
    let detail;
    try {
      detail = await json(address(this.id), { signal: this.over.signal });
    } catch (error) {
      if (error.name === "AbortError") return;
      this.fail(error);
      return;
    }
    this.take(detail);
    if (stateOf(detail).live) this.follow();
  }

  fail(error) {
    if (this.detail) {
      notify(error.message, { fault: true });
      return;
    }
    const retry = error.status === 404 ? null : button("again", "Try again", () => dispatchEvent(new HashChangeEvent("hashchange")), { shown: true });
    this.element.replaceChildren(h("div", { class: "blank" }, h("h1", {}, "This document cannot be shown"), h("p", {}, error.message), h("p", {}, h("a", { class: "button", href: "#/" }, "All documents"), " ", retry)));
  }

  take(detail) {
    const first = !this.detail;
    this.detail = detail;
    document.title = `${detail.name} · Pageline`;
    this.head.show(detail);
    this.setItems(detail.page_list);
    const shown = this.items[this.number - 1]?.state;
    if (first || shown !== this.shownState) this.open(this.number);
  }

  setItems(items) {
    this.items = items;
    this.rail.set(items);
    mark(this.element, "data-single", items.length <= 1);
    this.toolbar.page(this.number, Math.max(1, items.length));
  }

  follow() {
    this.stopFollowing?.abort();
    const stop = new AbortController();
    this.stopFollowing = stop;
    this.news = new Map();
    follow(this.id, (kind, data) => this.told(kind, data), stop.signal);
  }

  told(kind, data) {
    if (kind === "document") {
      this.detail = { ...this.detail, ...data };
      this.head.show({ ...this.detail, outputs: null, page_list: null });
      if (data.pages.total !== null && data.pages.total !== this.items.length) this.later(true);
    } else if (kind === "page") {
      this.news.set(data.number, data);
      this.later(false);
    } else if (kind === "end") this.refresh();
    else this.head.wait("The connection is lost; trying again …");
  }

  /** Pages may come by the hundred: what they change is drawn together. */
  later(anew) {
    this.anew ||= anew;
    this.batching ??= setTimeout(() => {
      this.batching = null;
      const { news, anew: all } = this;
      this.news = new Map();
      this.anew = false;
      if (all) this.refreshItems();
      else this.apply(news);
    }, TOGETHER_MS);
  }

  async refreshItems() {
    const detail = await json(address(this.id), { signal: this.over.signal }).catch(() => null);
    if (detail) this.take(detail);
  }

  apply(news) {
    const items = this.items.map((item) => (news.has(item.number) ? { ...item, ...news.get(item.number) } : item));
    this.setItems(items);
    for (const number of news.keys()) this.pages.forget(number);
    if (news.has(this.number) && items[this.number - 1]?.state !== this.shownState) this.open(this.number);
    if (this.finder.loading) this.learn([...news.values()].filter((page) => page.state === "done"));
  }

  async learn(fresh) {
    for (const { number } of fresh) this.finder.renew(number, await this.pages.result(number));
  }

  /** Open a page; the address follows, so that back and forward go through pages. */
  open(number) {
    const last = Math.max(1, this.items.length);
    const wanted = Math.min(Math.max(1, number), last);
    if (wanted !== this.number && this.items.length) {
      history.replaceState(null, "", this.link(wanted));
    }
    this.number = wanted;
    this.toolbar.page(wanted, last);
    this.rail.at(wanted);
    this.show(wanted);
  }

  async show(number) {
    const item = this.items[number - 1];
    this.shownState = item?.state;
    this.picked = -1;
    if (!item) return this.nothing(stateOf(this.detail).live ? "The document’s pages are being counted." : (this.detail.reason ? reasonOf(this.detail.reason, this.detail.name) : "This document has no pages."));
    if (WAITING[item.state]) return this.nothing(stateOf(this.detail).live || item.state === "skipped" ? WAITING[item.state] : WAITING.cancelled);
    try {
      const page = await this.pages.result(number);
      if (page.reason) page.reason = reasonOf(page.reason, this.detail.name, number);
      if (number !== this.number || this.over.signal.aborted) return undefined;
      this.page = page;
      this.text.show(page);
      this.text.find(this.wanted ?? "");
      const painted = this.sheet.show(number, page, this.detail.name);
      this.sheet.find(this.wanted ?? "");
      this.keep();
      this.pending?.();
      await painted;
      this.ahead(number + 1);
    } catch (error) {
      if (number === this.number && error.name !== "AbortError") this.nothing(error.message);
    }
    return undefined;
  }

  /** What is probably asked for next is there before it is. */
  ahead(number) {
    if (this.items[number - 1]?.state === "done" && !this.over.signal.aborted) this.pages.result(number).catch(() => {});
  }

  nothing(sentence) {
    this.page = null;
    this.sheet.empty(sentence);
    this.text.empty("");
  }

  hover(line) {
    const index = line?.index ?? -1;
    this.sheet.point("hover", index);
    this.text.hover(index);
  }

  /** Make a line the current one, `here` when it was picked on the page. */
  pick(line, here) {
    this.picked = line?.index ?? -1;
    this.sheet.point("picked", this.picked);
    this.text.pick(this.picked);
    this.sheet.reveal(this.picked, { card: here && line !== null });
  }

  reveal(line) {
    this.choose("page");
    this.sheet.reveal(line.index, { card: true });
    this.sheet.card.querySelector("button")?.focus();
  }

  colour(on) {
    this.sheet.colour(on);
    this.text.element.classList.toggle("coloured", on);
  }

  /** Show only lines under the chosen confidence. */
  keep() {
    if (!this.page) return;
    const { limit } = this.toolbar;
    const kept = limit === null ? null : new Set(this.page.lines.filter((line) => line.score < limit).map((line) => line.index));
    this.sheet.keep(kept);
    this.text.keep(kept);
  }

  /** Go to the next line of low confidence, on this page. */
  doubt() {
    const limit = this.toolbar.limit ?? 0.9;
    const doubtful = (this.page?.lines ?? []).filter((line) => line.score < limit);
    if (!doubtful.length) {
      notify(`No line on this page is below ${Math.round(limit * 100)} %.`);
      return;
    }
    const at = doubtful.findIndex((line) => line.index === this.picked);
    this.pick(doubtful[(at + 1) % doubtful.length], true);
  }

  async search(wanted) {
    this.wanted = wanted;
    this.sheet.find(wanted);
    this.text.find(wanted);
    this.at = null;
    if (!wanted) {
      this.found = null;
      this.toolbar.found(null, null);
      this.rail.results(null);
      return;
    }
    try {
      if (!this.finder.loading) this.toolbar.found(null, null, "Searching …");
      await this.finder.load(() => {});
    } catch (error) {
      this.toolbar.found(null, null, "");
      notify(error.message, { fault: true });
      return;
    }
    if (this.wanted !== wanted) return;
    this.found = this.finder.find(wanted);
    this.rail.results(this.found, wanted);
    this.toolbar.found(null, this.found.length);
  }

  step(by) {
    if (!this.found?.length) return;
    const { length } = this.found;
    const here = this.found.findIndex(({ page }) => page >= this.number);
    const first = by > 0 ? Math.max(0, here) : here - 1;
    this.goTo(this.at === null ? (first + length) % length : (this.at + by + length) % length);
  }

  /** Go to a place that the search has found. */
  goTo(at) {
    this.at = at;
    const { page, index } = this.found[at];
    this.toolbar.found(at, this.found.length);
    this.rail.foundAt(at);
    this.choose("page");
    const pick = () => {
      this.pending = null;
      this.pick(this.text.lineAt(index), false);
    };
    if (page === this.number && this.page) pick();
    else {
      this.pending = pick;
      this.open(page);
    }
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && !event.defaultPrevented) this.pick(null, false);
    if (event.target.closest("input, textarea, select, summary")) return;
    const order = {
      ArrowLeft: () => this.open(this.number - 1),
      ArrowRight: () => this.open(this.number + 1),
      "/": () => this.toolbar.field.focus(),
      "+": () => this.sheet.zoomBy(1),
      "-": () => this.sheet.zoomBy(-1),
      0: () => this.sheet.zoomTo("page"),
      n: () => this.doubt(),
      c: () => this.copyPicked(),
    }[event.key];
    if (!order) return;
    event.preventDefault();
    order();
  }

  copyPicked() {
    const line = this.text.lineAt(this.picked);
    if (line) copy(line.text, "Line");
  }
}
