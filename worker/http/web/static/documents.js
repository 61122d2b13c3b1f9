/** All documents: where files are dropped, and how each is doing. */

import { json } from "./api.js";
import { h, icon, mark, say } from "./dom.js";
import { options } from "./options.js";
import { uploads } from "./uploads.js";
import { STATES, ago, moment, progress, reasonOf, shares, stateOf } from "./words.js";

const BUSY_MS = 1000;
const IDLE_MS = 5000;
const AT_ONCE = 50;
const MOST = 200; // rows that are kept up to date
const LIVE = Object.keys(STATES).filter((state) => STATES[state].live);
const FILTERS = { All: [], "At work": LIVE, Read: ["succeeded", "partial"], "With problems": ["partial", "failed", "rejected"] };

export class Documents {
  constructor() {
    this.rows = new Map();
    this.states = [];
    this.over = new AbortController();
    this.file = h("input", { type: "file", multiple: true, class: "offstage", id: "files", tabindex: "-1", "aria-label": "Files", change: () => this.chosen() });
    this.list = h("ol", { class: "documents", "aria-label": "Documents, newest first" });
    this.note = h("p", { class: "pane-note", hidden: true });
    this.more = h("button", { type: "button", class: "button more", hidden: true, click: () => this.older() }, "Show older documents");
    this.filters = h("div", { class: "filters", role: "group", "aria-label": "Which documents" }, Object.keys(FILTERS).map((name) => this.chip(name)));
    this.queue = h("section", { class: "queue", "aria-label": "Documents", hidden: true }, h("header", { class: "queue-head" }, h("h2", {}, "Documents"), this.filters), this.note, this.list, this.more);
    this.element = h("div", { class: "home", "data-empty": "true" }, this.drop(), uploads.list, this.queue);
  }

  drop() {
    const choose = h("button", { type: "button", class: "button primary big", click: () => this.file.click() }, icon("upload"), h("span", {}, "Choose files"));
    return h(
      "section",
      { class: "drop", "aria-label": "Upload" },
      h("div", { class: "drop-words" }, h("h1", {}, "Drop documents here"), h("p", {}, "PDFs, scans and photos. Anywhere on this page will do, and so does pasting.")),
      h("div", { class: "drop-acts" }, choose, this.file),
      options,
    );
  }

  chip(name) {
    return h("button", { type: "button", class: "chip", "aria-pressed": String(name === "All"), click: () => this.filter(name) }, name);
  }

  start() {
    document.title = "Pageline";
    document.addEventListener("visibilitychange", () => document.hidden || this.soon(), { signal: this.over.signal });
    uploads.arrived = (summary) => this.arrived(summary);
    return this.poll();
  }

  end() {
    this.over.abort();
    uploads.arrived = () => {};
    clearTimeout(this.timer);
  }

  chosen() {
    uploads.add([...this.file.files]);
    this.file.value = "";
  }

  arrived(summary) {
    if (!this.states.length || this.states.includes(summary.state)) this.merge([summary]);
    this.soon();
  }

  filter(name) {
    this.states = FILTERS[name];
    for (const row of this.rows.values()) row.element.remove();
    this.rows.clear();
    for (const chip of this.filters.children) mark(chip, "aria-pressed", String(chip.textContent === name));
    this.soon();
  }

  query(limit, cursor = null) {
    const told = [["limit", limit], ...this.states.map((state) => ["state", state])];
    return `/v1/documents?${new URLSearchParams(cursor === null ? told : [...told, ["cursor", cursor]])}`;
  }

  /** Fetch those behind the last one; they are shown beside the newest, which alone are asked about again. */
  async older() {
    this.more.disabled = true;
    try {
      const { documents, next } = await json(this.query(AT_ONCE, this.next), { signal: this.over.signal });
      this.merge(documents);
      this.behind(next, true);
    } catch (error) {
      if (error.name !== "AbortError") this.say(error.message);
    }
    this.more.disabled = false;
  }

  /** Where the list goes on; what is known of its end from further down counts more. */
  behind(next, further) {
    if (further || !this.further) this.next = next;
    this.further = further || this.further;
    this.more.hidden = this.next === null;
  }

  soon() {
    clearTimeout(this.timer);
    this.poll();
  }

  /** Ask how all are doing, now and again: often while something goes on, seldom while nothing is seen. */
  async poll() {
    const turn = (this.turn = {});
    let wait = IDLE_MS;
    try {
      const limit = Math.min(MOST, Math.max(AT_ONCE, this.rows.size));
      const { documents, next } = await json(this.query(limit), { signal: this.over.signal });
      if (turn !== this.turn) return;
      this.settle(documents, next);
      if (documents.some((one) => stateOf(one).live)) wait = BUSY_MS;
    } catch (error) {
      if (error.name === "AbortError" || turn !== this.turn) return;
      this.queue.hidden = false;
      this.say(error.message);
      if (error.status === 401) return; // until somebody offers a key
    }
    if (!document.hidden) this.timer = setTimeout(() => this.poll(), wait);
  }

  say(sentence) {
    this.note.hidden = !sentence;
    say(this.note, sentence);
  }

  /** The newest documents are these: rows among them that are not are gone. */
  settle(documents, next) {
    const oldest = next === null ? 0 : (documents.at(-1)?.created_at ?? Infinity);
    const ids = new Set(documents.map((one) => one.id));
    for (const [id, row] of this.rows) {
      if (ids.has(id) || row.summary.created_at < oldest) continue;
      row.element.remove();
      this.rows.delete(id);
    }
    if (this.rows.size <= MOST) this.further = false;
    this.behind(next, false);
    this.merge(documents);
    const empty = this.rows.size === 0;
    mark(this.element, "data-empty", String(empty && !this.states.length));
    this.queue.hidden = empty && !this.states.length;
    this.say(empty ? "No documents here." : "");
  }

  /** Show these documents too, or as they are now; the newest stands first. */
  merge(documents) {
    mark(this.element, "data-empty", "false");
    this.queue.hidden = false;
    for (const one of documents) {
      const row = this.rows.get(one.id) ?? new Row(one);
      this.rows.set(one.id, row);
      row.show(one);
    }
    const sorted = [...this.rows.values()].sort((one, other) => other.summary.created_at - one.summary.created_at);
    sorted.forEach((row, at) => {
      const place = this.list.children[at] ?? null;
      if (row.element !== place) this.list.insertBefore(row.element, place);
    });
  }
}

class Row {
  constructor(summary) {
    this.name = h("span", { class: "row-name", dir: "auto" });
    this.reason = h("span", { class: "row-reason quiet" });
    this.badge = h("span", { class: "badge" });
    this.pages = h("span", { class: "row-pages quiet" });
    this.time = h("time", { class: "row-time quiet" });
    this.done = h("i", { class: "bar-done" });
    this.failed = h("i", { class: "bar-failed" });
    this.bar = h("span", { class: "bar" }, this.done, this.failed);
    const link = { class: "row", href: `#/documents/${encodeURIComponent(summary.id)}` };
    this.element = h("li", {}, h("a", link, icon("file"), h("span", { class: "row-words" }, this.name, this.reason), this.pages, this.badge, this.time, this.bar));
  }

  show(summary) {
    this.summary = summary;
    const { name, tone, live } = stateOf(summary);
    const { done, failed } = shares(summary);
    say(this.name, summary.name);
    say(this.reason, summary.reason ? reasonOf(summary.reason, summary.name) : "");
    say(this.badge, name);
    mark(this.badge, "data-tone", tone);
    say(this.pages, progress(summary));
    say(this.time, ago(summary.updated_at));
    mark(this.time, "title", moment(summary.updated_at));
    mark(this.time, "datetime", new Date(summary.updated_at * 1000).toISOString());
    this.done.style.width = `${done * 100}%`;
    this.failed.style.width = `${failed * 100}%`;
    mark(this.element, "data-live", live);
  }
}
