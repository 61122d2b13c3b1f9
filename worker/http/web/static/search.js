/** Search in all pages of a document: its texts are fetched once, in one answer, when somebody first searches. */

import { address, ask } from "./api.js";
import { plainOf } from "./lines.js";

const MOST = 5000; // places that are told apart; nobody walks through more

export class Finder {
  constructor(id) {
    this.id = id;
    this.texts = new Map();
    this.loading = null;
  }

  /** Have the texts of all pages that are read; `told(pages)` is called as they come. */
  load(told) {
    this.loading ??= this.fetch(told).catch((error) => {
      this.loading = null;
      throw error;
    });
    return this.loading;
  }

  async fetch(told) {
    const answer = await ask(address(this.id, "lines"));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const rows = (rest + value).split("\n");
      rest = rows.pop();
      for (const row of rows) this.take(JSON.parse(row));
      told(this.texts.size);
    }
  }

  /** A page's texts: `[place in its JSON, text]` in reading order. */
  take({ page, lines }) {
    this.texts.set(page, lines.map(([index, text]) => [index, text, plainOf(text)]));
  }

  /** A page was read just now. */
  renew(number, page) {
    if (this.loading && page.state === "done") this.take({ page: number, lines: page.lines.map((line) => [line.index, line.text]) });
  }

  /** All lines in which `wanted` stands, page by page, as `{page, index, text}`. */
  find(wanted) {
    const found = [];
    const sought = plainOf(wanted);
    const numbers = [...this.texts.keys()].sort((one, other) => one - other);
    for (const page of numbers) {
      for (const [index, text, plain] of this.texts.get(page)) {
        if (!plain.includes(sought)) continue;
        found.push({ page, index, text });
        if (found.length === MOST) return found;
      }
    }
    return found;
  }
}
