/** What states, numbers and times are called. */

/** A state's name, its tone, and whether more will happen. */
export const STATES = {
  received: { name: "Waiting", tone: "quiet", live: true },
  splitting: { name: "Opening", tone: "live", live: true },
  processing: { name: "Reading", tone: "live", live: true },
  finalizing: { name: "Finishing", tone: "live", live: true },
  succeeded: { name: "Read", tone: "good", live: false },
  partial: { name: "Partly read", tone: "warn", live: false },
  failed: { name: "Failed", tone: "bad", live: false },
  rejected: { name: "Not readable", tone: "bad", live: false },
  cancelled: { name: "Cancelled", tone: "quiet", live: false },
  superseded: { name: "Replaced", tone: "quiet", live: false },
};

export const PAGE_STATES = {
  pending: "waiting",
  running: "being read",
  done: "read",
  failed: "could not be read",
  cancelled: "cancelled",
  skipped: "not asked for",
};

/** What is known of a state, also of one from a later version. */
export function stateOf(document) {
  return STATES[document.state] ?? { name: document.state, tone: "quiet", live: false };
}

const whole = new Intl.NumberFormat("en");
const rough = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });

export const count = (number) => whole.format(number);

/** `1 page`, `2,000 pages`. */
export function plural(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** `3.4 MB`. */
export function bytes(size) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = size;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? count(value) : value.toFixed(value < 9.95 ? 1 : 0)} ${units[unit]}`;
}

/** `1.8`, with two digits that count. */
export const speed = (number) => (number >= 100 ? whole.format(Math.round(number)) : rough.format(number));

/** A score from 0 to 1 as `97 %`; only what is certain is 100. */
export function percent(score) {
  return `${Math.min(Math.floor(score * 100 + 1e-9), 100)} %`;
}

/** `4 s`, `3 min`, `2 h`. */
export function span(seconds) {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

/** `just now`, `3 min ago`; the date of what is older than a week. */
export function ago(at) {
  const seconds = Date.now() / 1000 - at;
  if (seconds < 10) return "just now";
  if (seconds < 604800) return `${span(seconds)} ago`;
  return new Date(at * 1000).toLocaleDateString(undefined, { dateStyle: "medium" });
}

/** The moment in full, for a hint. */
export const moment = (at) => new Date(at * 1000).toLocaleString(undefined, { dateStyle: "full", timeStyle: "medium" });

/** How far a document is: `7 of 12 pages`, `12 pages, 1 failed`, or nothing while they are not counted. */
export function progress({ state, pages }) {
  if (pages.total === null) return "";
  const wanted = pages.total - pages.skipped;
  const failed = pages.failed ? `, ${count(pages.failed)} failed` : "";
  const settled = pages.done + pages.failed;
  const live = STATES[state]?.live && settled < wanted;
  return live ? `${count(settled)} of ${plural(wanted, "page")}${failed}` : `${plural(wanted, "page")}${failed}`;
}

/** Parts of a document that are read and failed, 0 to 1. */
export function shares({ pages }) {
  const wanted = Math.max(1, (pages.total ?? 0) - pages.skipped);
  return { done: pages.done / wanted, failed: pages.failed / wanted };
}

/** A reason without the name of what it is about in front, where that is plain anyway. */
export function reasonOf(reason, name, page = null) {
  const fronts = page === null ? [`${name}: `] : [`${name}, page ${page}: `, `${name}: `];
  const ends = fronts.map((front) => [reason.indexOf(front), front.length]);
  // Before a name there may be the folder that an upload lies in.
  const found = ends.find(([at]) => at === 0 || (at > 0 && /^\S*\/$/.test(reason.slice(0, at))));
  const rest = found ? reason.slice(found[0] + found[1]) : reason;
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}
