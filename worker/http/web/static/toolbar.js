/** Between the document and its page: turning pages, zoom, confidence, search. */

import { button, h, icon, mark, say } from "./dom.js";
import { count } from "./words.js";

export class Toolbar {
  /**
   * @param told `{turn(by), open(number), zoom(steps), fit(how), colour(on), below(percent), search(text), step(by)}`
   */
  constructor(told) {
    this.told = told;
    this.number = h("input", { type: "text", inputmode: "numeric", class: "page-number", "aria-label": "Page number", autocomplete: "off", change: () => this.typed() });
    this.of = h("span", { class: "quiet" });
    this.before = button("back", "Previous page", () => told.turn(-1));
    this.after = button("next", "Next page", () => told.turn(1));
    this.scale = h("button", { type: "button", class: "button bare scale", title: "Whole page", "aria-label": "Zoom: whole page", click: () => told.fit("page") });
    this.colours = h("button", { type: "button", class: "chip colours", "aria-pressed": "true", "aria-label": "Colour lines by confidence", title: "Colour lines by confidence", click: () => this.colour() }, h("i", { class: "legend", "aria-hidden": "true" }), h("span", {}, "Confidence"));
    this.below = h("input", { type: "range", min: "50", max: "100", step: "1", value: "100", "aria-label": "Show lines less sure than", input: () => this.slide() });
    this.belowSays = h("output", { class: "below-says" }, "All lines");
    this.field = h("input", { type: "search", placeholder: "Search the document", "aria-label": "Search the document", autocomplete: "off", spellcheck: "false", input: () => this.typing(), keydown: (event) => this.key(event) });
    this.hits = h("span", { class: "hits quiet", role: "status" });
    this.up = button("up", "Previous match", () => told.step(-1), { hidden: true });
    this.down = button("down", "Next match", () => told.step(1), { hidden: true });
    this.element = h(
      "div",
      { class: "toolbar", role: "group", "aria-label": "Page tools" },
      h("div", { class: "group turning" }, this.before, this.number, this.of, this.after),
      h("div", { class: "group zoom" }, button("minus", "Zoom out", () => told.zoom(-1)), this.scale, button("plus", "Zoom in", () => told.zoom(1)), button("width", "Fit the width", () => told.fit("width"))),
      h("div", { class: "group sureness" }, this.colours, h("label", { class: "below" }, this.below, this.belowSays)),
      h("div", { class: "group finder" }, h("div", { class: "search" }, icon("search"), this.field, this.hits), this.up, this.down),
    );
  }

  /** The page that is open, of how many. */
  page(number, total) {
    this.number.value = String(number);
    say(this.of, `of ${count(total)}`);
    this.before.disabled = number <= 1;
    this.after.disabled = number >= total;
  }

  typed() {
    const number = Number.parseInt(this.number.value, 10);
    this.told.open(Number.isFinite(number) ? number : 0);
  }

  zoomed(scale) {
    say(this.scale, `${Math.round(scale * 100)} %`);
  }

  colour() {
    const on = this.colours.getAttribute("aria-pressed") !== "true";
    mark(this.colours, "aria-pressed", String(on));
    this.told.colour(on);
  }

  /** The score under which lines are shown; null for all. */
  get limit() {
    const value = Number(this.below.value);
    return value >= 100 ? null : value / 100;
  }

  slide() {
    const { limit } = this;
    say(this.belowSays, limit === null ? "All lines" : `Below ${Math.round(limit * 100)} %`);
    mark(this.below, "aria-valuetext", this.belowSays.textContent);
    this.told.below(limit);
  }

  typing() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.told.search(this.field.value.trim()), 150);
  }

  key(event) {
    if (event.key === "Enter") {
      event.preventDefault();
      this.told.step(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape" && this.field.value) {
      event.stopPropagation();
      this.clear();
    }
  }

  clear() {
    this.field.value = "";
    this.told.search("");
  }

  /** What the search says: `3 of 47`, or a sentence; null for nothing. */
  found(at, total, sentence = null) {
    say(this.hits, sentence ?? (total === null ? "" : total === 0 ? "Nothing" : `${at === null ? "–" : count(at + 1)} of ${count(total)}`));
    this.up.hidden = this.down.hidden = !total;
  }
}
