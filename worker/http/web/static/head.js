/** Above an open document: its name, how far it is, what can be done with it, what went wrong. */

import { address, allowDownload, order } from "./api.js";
import { confirmed, notify } from "./dialogs.js";
import { button, h, icon, mark, say } from "./dom.js";
import { ago, bytes, moment, progress, reasonOf, shares, stateOf } from "./words.js";

const KINDS = {
  txt: "Plain text",
  md: "Markdown",
  pdf: "Searchable PDF",
  "hocr.html": "hOCR",
  "alto.xml": "ALTO XML",
  csv: "Lines as a table (CSV)",
  jsonl: "Lines as JSON",
  json: "What became of each page (JSON)",
};

export class Head {
  /** @param told `{changed(), gone()}`: it is worked on again, or no longer there */
  constructor(id, told) {
    this.id = id;
    this.told = told;
    this.name = h("h1", { dir: "auto" });
    this.badge = h("span", { class: "badge" });
    this.facts = h("span", { class: "quiet facts" });
    this.files = h("div", { class: "menu-list" });
    this.downloads = h("details", { class: "menu" }, h("summary", { class: "button primary" }, icon("download"), h("span", {}, "Download")), this.files);
    this.again = button("again", "Try again", () => this.retry(), { shown: true });
    this.stop = button("stop", "Cancel", () => this.cancel(), { shown: true });
    this.remove = button("remove", "Delete results", () => this.delete());
    this.bar = h("div", { class: "bar", role: "progressbar", "aria-label": "Pages read", "aria-valuemin": "0", "aria-valuemax": "100" }, h("i", { class: "bar-done" }), h("i", { class: "bar-failed" }));
    this.trouble = h("div", { class: "trouble", hidden: true });
    this.element = h(
      "header",
      { class: "doc-head" },
      h("a", { class: "button bare", href: "#/", "aria-label": "All documents", title: "All documents" }, icon("back")),
      h("div", { class: "doc-name" }, this.name, h("p", {}, this.badge, this.facts)),
      h("div", { class: "actions" }, this.stop, this.again, this.downloads, this.remove),
      this.bar,
    );
    this.listen();
  }

  listen() {
    this.away = (event) => {
      if (!this.downloads.contains(event.target)) this.downloads.open = false;
    };
    document.addEventListener("click", this.away);
    this.downloads.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.downloads.open) return;
      event.stopPropagation();
      this.downloads.open = false;
      this.downloads.querySelector("summary").focus();
    });
  }

  end() {
    document.removeEventListener("click", this.away);
  }

  /** The document as it is now; `outputs` and `page_list` may be missing in a summary. */
  show(summary) {
    const { name, tone, live } = stateOf(summary);
    say(this.name, summary.name);
    mark(this.name, "title", summary.source);
    say(this.badge, name);
    mark(this.badge, "data-tone", tone);
    say(this.facts, [progress(summary), ago(summary.updated_at)].filter(Boolean).join(" · "));
    mark(this.facts, "title", moment(summary.updated_at));
    this.advance(summary, live);
    this.stop.hidden = !live;
    this.again.hidden = live || !["partial", "failed", "cancelled"].includes(summary.state);
    this.remove.hidden = live;
    if (summary.outputs) this.list(summary.outputs);
    this.worry(summary);
  }

  /** Say for now how it is with what is shown. */
  wait(sentence) {
    say(this.facts, sentence);
  }

  advance(summary, live) {
    const { done, failed } = shares(summary);
    this.bar.hidden = !live;
    mark(this.bar, "aria-valuenow", Math.round((done + failed) * 100));
    mark(this.bar, "data-busy", summary.pages.total === null || summary.state !== "processing");
    this.bar.children[0].style.width = `${done * 100}%`;
    this.bar.children[1].style.width = `${failed * 100}%`;
  }

  list(outputs) {
    this.downloads.hidden = outputs.length === 0;
    const links = outputs.map((file) =>
      h(
        "a",
        { href: address(this.id, "outputs", file.name), download: file.name, click: () => this.fetch(file) },
        h("span", {}, kindOf(file.name)),
        h("span", { class: "quiet" }, `${file.name} · ${bytes(file.size)}`),
      ),
    );
    this.files.replaceChildren(...links);
  }

  fetch(file) {
    allowDownload(address(this.id, "outputs", file.name));
    this.downloads.open = false;
  }

  /** What went wrong, in its own words, page by page where pages are known. */
  worry(summary) {
    const failed = (summary.page_list ?? []).filter((page) => page.state === "failed");
    if (!summary.page_list && summary.pages.failed) return; // the pages are told in a moment
    const waiting = stateOf(summary).live && failed.length === 0;
    this.trouble.hidden = failed.length === 0 && !summary.reason;
    mark(this.trouble, "data-tone", waiting ? "quiet" : stateOf(summary).tone === "bad" ? "bad" : "warn");
    if (this.trouble.hidden) return;
    const wasOpen = this.trouble.querySelector("details")?.open ?? false;
    const pages = failed.map((page) =>
      h("li", {}, h("a", { href: `#/documents/${this.id}/${page.number}` }, `Page ${page.number}`), h("span", {}, page.reason ? reasonOf(page.reason, summary.name, page.number) : "No reason is known.")),
    );
    const sentence = failed.length ? sentenceOf(failed, summary) : reasonOf(summary.reason, summary.name);
    const list = pages.length ? h("details", { open: wasOpen }, h("summary", {}, "Which, and why"), h("ol", { class: "reasons", tabindex: "0", "aria-label": "Failed pages" }, pages)) : null;
    this.trouble.replaceChildren(icon("warning"), h("div", {}, h("p", {}, sentence), list));
  }

  async retry() {
    await this.attempt(this.again, async () => {
      await order("POST", address(this.id, "retry"));
      this.told.changed();
    });
  }

  async cancel() {
    await this.attempt(this.stop, async () => {
      await order("POST", address(this.id, "cancel"));
      this.told.changed();
    });
  }

  async delete() {
    const sentence = "Everything that was read of this document is deleted: texts, pictures and files. The document itself stays where it was uploaded.";
    if (!(await confirmed("Delete the results?", sentence, "Delete"))) return;
    await this.attempt(this.remove, async () => {
      await order("DELETE", address(this.id));
      this.told.gone();
    });
  }

  async attempt(pressed, work) {
    pressed.disabled = true;
    try {
      await work();
    } catch (error) {
      notify(error.message, { fault: true });
    } finally {
      pressed.disabled = false;
    }
  }
}

function kindOf(name) {
  const known = Object.keys(KINDS).find((ending) => name.endsWith(`.${ending}`));
  return KINDS[known] ?? name;
}

function sentenceOf(failed, { pages }) {
  const of = `${failed.length === 1 ? "One page" : `${failed.length} pages`} of ${pages.total - pages.skipped}`;
  const [first] = failed;
  return failed.length === 1 ? `${of} could not be read: page ${first.number}.` : `${of} could not be read.`;
}
