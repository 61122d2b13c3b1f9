/** A document's pages as they are asked for: results and pictures, the latest of each kept. */

import { address, ask, json } from "./api.js";
import { pageOf } from "./lines.js";

const RESULTS = 24;
const PICTURES = 8;
const SMALL = 160; // longest side of the small pictures beside the page
const SMALL_KEPT = 120;
const SMALL_AT_ONCE = 2;
const SIDES = [800, 1600, 2400, 3200]; // few sizes, so that the service's own store of them is of use

export class Pages {
  constructor(id) {
    this.id = id;
    this.results = new Map();
    this.pictures = new Map();
    this.smalls = new Map();
    this.queue = [];
    this.busy = 0;
    this.over = new AbortController();
  }

  /** A page for people, as `pageOf` gives it. */
  result(number) {
    const load = async () => pageOf(await json(address(this.id, "pages", number), { signal: this.over.signal }));
    return kept(this.results, number, RESULTS, load);
  }

  /** The size in which a picture is asked for that is shown with `side` pixels. */
  sideFor(side) {
    return SIDES.find((each) => each >= side) ?? SIDES.at(-1);
  }

  /** The address of a page's picture, `side` pixels long. */
  picture(number, side) {
    return kept(this.pictures, `${number}/${side}`, PICTURES, () => this.fetchPicture(number, side), discard);
  }

  /** The address of a page's small picture; a few are fetched at once, the latest asked for first. */
  small(number) {
    return kept(this.smalls, number, SMALL_KEPT, () => this.inTurn(number), discard);
  }

  /** A small picture is out of sight: fetch it only if nothing else waits. */
  unwanted(number) {
    const at = this.queue.findIndex((each) => each.number === number);
    if (at === -1) return;
    const [{ reject }] = this.queue.splice(at, 1);
    this.smalls.delete(number);
    reject(new DOMException("out of sight", "AbortError"));
  }

  /** A page is not what it was. */
  forget(number) {
    this.results.delete(number);
  }

  end() {
    this.over.abort();
    for (const store of [this.pictures, this.smalls]) for (const promise of store.values()) discard(promise);
  }

  async fetchPicture(number, side) {
    const path = `${address(this.id, "pages", number, "image")}?max_side=${side}`;
    const answer = await ask(path, { signal: this.over.signal });
    return URL.createObjectURL(await answer.blob());
  }

  inTurn(number) {
    return new Promise((resolve, reject) => {
      this.queue.push({ number, resolve, reject });
      this.serve();
    });
  }

  serve() {
    while (this.busy < SMALL_AT_ONCE && this.queue.length) {
      const { number, resolve, reject } = this.queue.pop();
      this.busy += 1;
      this.fetchPicture(number, SMALL)
        .then(resolve, reject)
        .finally(() => {
          this.busy -= 1;
          this.serve();
        });
    }
  }
}

function discard(promise) {
  promise.then((url) => URL.revokeObjectURL(url)).catch(() => {});
}

/** What `load` promised for `key`, the `most` latest kept; what failed is tried again. */
function kept(store, key, most, load, drop = () => {}) {
  const known = store.get(key);
  const promise = known ?? load();
  store.delete(key);
  store.set(key, promise);
  if (!known) promise.catch(() => store.get(key) === promise && store.delete(key));
  if (store.size > most) {
    const [oldest, value] = store.entries().next().value;
    store.delete(oldest);
    drop(value);
  }
  return promise;
}
