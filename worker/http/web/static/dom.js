/**
 * Elements without markup: every text goes in as text, so nothing that a document or its name holds can
 * become code. The page's policy forbids the other way (trusted types: none).
 */

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; `null` and `false` are left out, functions are listeners. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Put a text where it differs from what is there, so that nothing is redrawn or read aloud in vain. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Give an attribute, or take it away with `null`. */
export function mark(element, name, value) {
  if (value === null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

const PATHS = {
  back: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  up: "M5 15l7-7 7 7",
  down: "M5 9l7 7 7-7",
  upload: "M12 16V4m0 0L7 9m5-5l5 5M4 16v3a1 1 0 001 1h14a1 1 0 001-1v-3",
  download: "M12 4v12m0 0l-5-5m5 5l5-5M4 16v3a1 1 0 001 1h14a1 1 0 001-1v-3",
  search: "M16.5 16.5L21 21M18 11a7 7 0 11-14 0 7 7 0 0114 0z",
  copy: "M9 9h10a1 1 0 011 1v10a1 1 0 01-1 1H9a1 1 0 01-1-1V10a1 1 0 011-1zM5 15H4a1 1 0 01-1-1V4a1 1 0 011-1h10a1 1 0 011 1v1",
  again: "M4 12a8 8 0 0113.7-5.7L20 8.5M20 4v4.5h-4.5M20 12a8 8 0 01-13.7 5.7L4 15.5M4 20v-4.5h4.5",
  stop: "M7 7h10v10H7z",
  remove: "M5 7h14M10 7V5a1 1 0 011-1h2a1 1 0 011 1v2m3 0l-1 12a1 1 0 01-1 1H9a1 1 0 01-1-1L7 7m3 4v5m4-5v5",
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  warning: "M12 9v4m0 3.5v.01M10.3 4.2L2.6 17.6A2 2 0 004.3 20.5h15.4a2 2 0 001.7-2.9L13.7 4.2a2 2 0 00-3.4 0z",
  file: "M14 3H7a1 1 0 00-1 1v16a1 1 0 001 1h10a1 1 0 001-1V7l-4-4zm0 0v4h4",
  keyboard: "M4 6h16a1 1 0 011 1v10a1 1 0 01-1 1H4a1 1 0 01-1-1V7a1 1 0 011-1zm3 4v.01M11 10v.01M15 10v.01M8 14h8",
  key: "M14.5 9.5L21 3m-3 3l2.5 2.5M15 9a5.5 5.5 0 11-11 3.5A5.5 5.5 0 0115 9z",
  theme: "M12 3a9 9 0 100 18V3z M12 3a9 9 0 010 18",
  width: "M3 12h18M3 12l3-3m-3 3l3 3M21 12l-3-3m3 3l-3 3",
  check: "M5 12.5l4.5 4.5L19 7.5",
};

/** An icon for the eye alone; whatever holds it has a name. */
export function icon(name) {
  return s("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, s("path", { d: PATHS[name] }));
}

/** A button with an icon; without `shown`, its name is for screen readers and the hint. */
export function button(name, label, click, { shown = false, ...attributes } = {}) {
  const kind = shown ? "button" : "button bare";
  const named = shown ? {} : { "aria-label": label, title: label };
  return h("button", { type: "button", class: kind, click, ...named, ...attributes }, icon(name), shown && h("span", {}, label));
}
