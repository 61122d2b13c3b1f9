/** Files on their way to the service: dropped, pasted or chosen; a few at a time, each with its progress. */

import { Problem, upload } from "./api.js";
import { button, h, say } from "./dom.js";
import { chosenOptions } from "./options.js";
import { bytes, percent } from "./words.js";

const AT_ONCE = 3;
const PATIENCE = 5; // times that an upload is tried again when the service is busy

class Uploads {
  constructor() {
    /** Called with the summary of each document that the service has taken. */
    this.arrived = () => {};
    this.waiting = [];
    this.busy = 0;
    this.list = h("ul", { class: "uploads", "aria-label": "Uploads" });
  }

  /** Send files, with the options that are chosen now. */
  add(files) {
    const fields = chosenOptions();
    for (const file of files) {
      const entry = new Entry(file, fields, () => this.serve(entry));
      this.list.append(entry.element);
      this.serve(entry);
    }
  }

  /** Take files that are dropped or pasted anywhere; `taken` is called when there are some. */
  listen(taken) {
    const withFiles = (event) => event.dataTransfer?.types.includes("Files");
    const hint = (on) => document.documentElement.classList.toggle("dropping", on);
    const take = (files) => {
      if (!files.length) return;
      this.add(files);
      taken();
    };
    addEventListener("dragover", (event) => {
      if (!withFiles(event)) return;
      event.preventDefault();
      hint(true);
    });
    addEventListener("dragleave", (event) => event.relatedTarget === null && hint(false));
    addEventListener("drop", async (event) => {
      if (!withFiles(event)) return;
      event.preventDefault();
      hint(false);
      take(await dropped(event.dataTransfer));
    });
    addEventListener("paste", (event) => take([...event.clipboardData.files]));
    addEventListener("beforeunload", (event) => this.busy && event.preventDefault());
  }

  serve(entry = null) {
    if (entry) this.waiting.push(entry);
    while (this.busy < AT_ONCE && this.waiting.length) {
      this.busy += 1;
      this.waiting
        .shift()
        .send()
        .then((summary) => summary && this.arrived(summary))
        .finally(() => {
          this.busy -= 1;
          this.serve();
        });
    }
  }
}

class Entry {
  constructor(file, fields, again) {
    this.file = file;
    this.fields = fields;
    this.state = h("span", { class: "quiet", role: "status" }, "Waiting to be sent");
    this.part = h("i", { class: "bar-done" });
    this.again = button("again", `Send ${file.name} again`, () => {
      this.again.hidden = true;
      this.element.classList.remove("fault");
      again();
    });
    this.again.hidden = true;
    this.away = button("close", `Do not send ${file.name}`, () => this.cancel());
    this.element = h(
      "li",
      { class: "upload" },
      h("span", { class: "upload-name", dir: "auto" }, file.name),
      h("span", { class: "quiet" }, bytes(file.size)),
      this.state,
      this.again,
      this.away,
      h("div", { class: "bar" }, this.part),
    );
    this.stop = new AbortController();
  }

  cancel() {
    this.stop.abort();
    this.element.remove();
  }

  /** Send the file; gives the document's summary, or null when it was not taken. */
  async send() {
    for (let tried = 1; !this.stop.signal.aborted; tried += 1) {
      try {
        const summary = await upload(this.file, this.fields, (part) => this.show(part), this.stop.signal);
        this.element.remove();
        return summary;
      } catch (error) {
        if (error.name === "AbortError") return null;
        const passing = error instanceof Problem && [429, 503].includes(error.status);
        if (!passing || tried === PATIENCE) {
          this.fail(error.message);
          return null;
        }
        say(this.state, "The service is busy; this is sent again in a moment");
        await new Promise((resolve) => setTimeout(resolve, (error.retryAfter || tried) * 1000));
      }
    }
    return null;
  }

  show(part) {
    this.part.style.width = `${part * 100}%`;
    say(this.state, part < 1 ? `Sending, ${percent(part)}` : "Sent, being taken in");
  }

  fail(sentence) {
    say(this.state, sentence);
    this.part.style.width = "0";
    this.element.classList.add("fault");
    this.again.hidden = false;
  }
}

/** The files of a drop, also those within folders. */
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const found = [];
  for (const entry of entries) await gather(entry, found);
  return found;
}

async function gather(entry, found) {
  if (entry.isFile) {
    found.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return; // it gives a hundred at a time, then none
    for (const each of some) if (!each.name.startsWith(".")) await gather(each, found);
  }
}

/** The uploads of the page: they go on whatever it shows. */
export const uploads = new Uploads();
