/** Who is at work, how fast, and what waits. */

import { json } from "./api.js";
import { h, mark, say } from "./dom.js";
import { ago, count, plural, span, speed } from "./words.js";

const EVERY_MS = 2000;
const HEALTH = { idle: ["Ready", "good"], busy: ["At work", "live"], warming: ["Warming up", "quiet"], stuck: ["Stuck", "bad"], draining: ["Leaving", "quiet"] };
const KINDS = { cpu: "CPU", gpu: "GPU", npu: "NPU", xpu: "XPU", mlu: "MLU", dcu: "DCU", control: "Control" };

export class Fleet {
  constructor() {
    this.over = new AbortController();
    this.sum = h("p", { class: "lead" });
    this.note = h("p", { class: "pane-note", hidden: true });
    this.workers = h("ul", { class: "workers", "aria-label": "Workers" });
    this.queues = h("tbody");
    const heads = ["Device", "Waiting", "Megapixels", "Time to read it all"];
    this.table = h("table", {}, h("caption", {}, "What waits"), h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, name)))), this.queues);
    this.element = h("div", { class: "home fleet" }, h("h1", {}, "Fleet"), this.sum, this.note, this.workers, this.table);
  }

  start() {
    document.title = "Fleet · Pageline";
    return this.poll();
  }

  end() {
    this.over.abort();
    clearTimeout(this.timer);
  }

  async poll() {
    try {
      this.show(await json("/v1/fleet", { signal: this.over.signal }));
      this.say("");
    } catch (error) {
      if (error.name === "AbortError") return;
      this.say(error.status === 403 ? "The fleet is shown to those whose key is for all tenants." : error.message);
      if ([401, 403].includes(error.status)) return;
    }
    this.timer = setTimeout(() => this.poll(), document.hidden ? EVERY_MS * 5 : EVERY_MS);
  }

  say(sentence) {
    this.note.hidden = !sentence;
    say(this.note, sentence);
    this.table.hidden = this.workers.hidden = Boolean(sentence);
  }

  show({ workers, queues }) {
    const readers = workers.filter((worker) => worker.kind !== "control");
    say(this.sum, sumOf(readers));
    const sorted = [...readers, ...workers.filter((worker) => worker.kind === "control")];
    this.workers.replaceChildren(...sorted.map(card));
    this.queues.replaceChildren(...queues.map(row));
  }
}

/** `2 workers read 3.1 pages a second.` */
function sumOf(readers) {
  if (!readers.length) return "No worker is reading. Documents wait until one starts.";
  const total = readers.reduce((sum, worker) => sum + (worker.pages_per_second ?? 0), 0);
  const verb = readers.length === 1 ? "reads" : "read";
  return total ? `${plural(readers.length, "worker")} ${verb} ${speed(total)} pages a second.` : `${plural(readers.length, "worker")}; none has read enough yet to tell how fast.`;
}

function card(worker) {
  const [health, tone] = HEALTH[worker.health] ?? [worker.health, "quiet"];
  const figure = (number, unit) => h("div", { class: "figure" }, h("b", {}, number === null ? "–" : speed(number)), h("span", {}, unit));
  const badge = h("span", { class: "badge" }, health);
  mark(badge, "data-tone", tone);
  const reads = worker.kind !== "control";
  return h(
    "li",
    { class: "worker" },
    h("header", {}, h("span", { class: "device" }, nameOf(worker)), badge),
    reads && h("div", { class: "figures" }, figure(worker.pages_per_second, "pages/s"), figure(worker.megapixels_per_second, "megapixels/s")),
    h("p", { class: "doing" }, worker.doing.length ? worker.doing.map((each) => h("span", {}, each)) : reads ? "Nothing to do" : "Opens, puts together and watches over documents"),
    h("footer", { class: "quiet" }, h("span", { class: "worker-id", title: worker.id }, worker.id), h("span", {}, `heard ${ago(worker.seen_at)}`)),
  );
}

function nameOf({ device, kind }) {
  const number = device.split(":")[1];
  const name = KINDS[kind] ?? kind;
  return number === undefined ? name : `${name} ${number}`;
}

function row({ kind, waiting, megapixels, drain_seconds: drain }) {
  const time = waiting === 0 ? "–" : drain === null ? "not known yet" : `about ${span(drain)}`;
  return h("tr", {}, h("th", { scope: "row" }, KINDS[kind] ?? kind), h("td", {}, count(waiting)), h("td", {}, count(Math.round(megapixels))), h("td", {}, time));
}

/** A line for the head of the page: `2 workers · 3.1 pages/s`; empty when it is not ours to know. */
export async function brief() {
  try {
    const { workers } = await json("/v1/fleet");
    const readers = workers.filter((worker) => worker.kind !== "control");
    const total = readers.reduce((sum, worker) => sum + (worker.pages_per_second ?? 0), 0);
    return { text: readers.length ? [plural(readers.length, "worker"), total && `${speed(total)} pages/s`].filter(Boolean).join(" · ") : "No workers", alive: readers.length > 0 };
  } catch {
    return { text: "", alive: false };
  }
}
