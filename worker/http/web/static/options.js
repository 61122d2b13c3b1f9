/** What may be asked of the documents that are dropped next. */

import { h } from "./dom.js";

const NAMES = {
  txt: "Plain text",
  md: "Markdown",
  pdf: "Searchable PDF",
  pdfa: "PDF/A",
  hocr: "hOCR",
  alto: "ALTO XML",
  csv: "Table of lines (CSV)",
  jsonl: "Lines (JSON)",
};
const CHOSEN = ["txt", "md", "pdf"]; // until somebody chooses otherwise
const STORED = "pageline.outputs";
const offered = document.querySelector('meta[name="outputs"]').content.split(" ");

/** The form, which folds away; what was chosen is remembered by this browser. */
function optionsForm() {
  const chosen = remembered();
  const box = (name) => h("label", { class: "tick" }, h("input", { type: "checkbox", name: "outputs", value: name, checked: chosen.includes(name), change: remember }), h("span", {}, NAMES[name] ?? name));
  const pages = h("input", { type: "text", name: "pages", placeholder: "all, or 1-3, 7, 10-", autocomplete: "off", spellcheck: "false" });
  const form = h(
    "form",
    { submit: (event) => event.preventDefault() },
    h("fieldset", {}, h("legend", {}, "Make of each document"), h("div", { class: "ticks" }, offered.map(box))),
    h("label", { class: "field" }, h("span", {}, "Pages"), pages),
  );
  return h("details", { class: "options" }, h("summary", {}, "Options"), form);
}

/** The fields that go along with an upload. */
export function chosenOptions() {
  const form = new FormData(options.querySelector("form"));
  const fields = { outputs: ["json", ...form.getAll("outputs")].join(",") };
  const pages = form.get("pages").replaceAll(" ", "");
  return pages ? { ...fields, pages } : fields;
}

function remember(event) {
  localStorage.setItem(STORED, new FormData(event.target.form).getAll("outputs").join(","));
}

function remembered() {
  return localStorage.getItem(STORED)?.split(",") ?? CHOSEN;
}

/** The one form of the page: it outlives the view that shows it. */
export const options = optionsForm();
