/** Begins the page: which part is shown, the colours, the key. */

import { hasKey, offerKey, whenKeyIsNeeded } from "./api.js";
import { askKey, showKeys } from "./dialogs.js";
import { Documents } from "./documents.js";
import { button, mark, say } from "./dom.js";
import { Fleet, brief } from "./fleet.js";
import { Reader } from "./reader.js";
import { uploads } from "./uploads.js";

const BRIEF_MS = 10000;
const main = document.getElementById("main");
let view = null;

whenKeyIsNeeded(async (wrong) => {
  const key = await askKey(wrong);
  mark(keyButton, "hidden", null);
  return key;
});

/** Show what the address names: `#/`, `#/fleet`, `#/documents/ID` or `#/documents/ID/PAGE`. */
function route() {
  const [part, id, page] = location.hash.replace(/^#\/?/, "").split("/").map(decode);
  const number = Math.max(1, Number.parseInt(page, 10) || 1);
  if (part === "documents" && view instanceof Reader && view.id === id && view.detail) {
    view.open(number);
    return;
  }
  const first = view === null;
  view?.end();
  view = part === "documents" && id ? new Reader(id, number) : part === "fleet" ? new Fleet() : new Documents();
  main.replaceChildren(view.element);
  document.body.dataset.view = view.constructor.name.toLowerCase();
  for (const link of document.querySelectorAll(".site nav a")) {
    mark(link, "aria-current", link.hash === (part === "fleet" ? "#/fleet" : "#/") && !id ? "page" : null);
  }
  if (!first) main.focus({ preventScroll: true }); // what had the focus is gone
  view.start();
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

const keyButton = button("key", "Use another API key", () => {
  offerKey();
  view?.end();
  view = null;
  route();
});
mark(keyButton, "hidden", hasKey() ? null : true);

/** Dark, light, or as the system has it. */
function turnTheme() {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const next = (root.dataset.theme ?? system) === "dark" ? "light" : "dark";
  if (next === system) delete root.dataset.theme;
  else root.dataset.theme = next;
  localStorage.setItem("pageline.theme", root.dataset.theme ?? "");
}

async function tellFleet() {
  const { text, alive } = await brief();
  const line = document.getElementById("brief");
  say(line, text);
  mark(line, "data-alive", String(alive));
  setTimeout(tellFleet, document.hidden ? BRIEF_MS * 6 : BRIEF_MS);
}

document.getElementById("tools").append(keyButton, button("keyboard", "Keyboard", showKeys, { class: "button bare wide-only" }), button("theme", "Dark or light", turnTheme));
document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || event.target.closest("input, textarea") || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  showKeys();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address is the page's own
  main.focus();
});
uploads.listen(() => {
  location.hash = "#/"; // where they can be seen
});
addEventListener("hashchange", route);
route();
tellFleet();
