/** Windows above the page, and short notices at its foot. */

import { button, h, say } from "./dom.js";

const NOTICE_MS = 6000;

/** Show a dialog; gives what `close(value)` was called with, or null when it was left. */
function open(make) {
  return new Promise((resolve) => {
    let value = null;
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "dialog-title" });
    const close = (given = null) => {
      value = given;
      dialog.close();
    };
    dialog.append(...make(close));
    dialog.addEventListener("click", (event) => event.target === dialog && close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(value);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

const heading = (text) => h("h2", { id: "dialog-title" }, text);

/** Ask before something that cannot be undone. */
export function confirmed(title, sentence, yes) {
  return open((close) => [
    heading(title),
    h("p", {}, sentence),
    h(
      "div",
      { class: "dialog-foot" },
      h("button", { type: "button", class: "button", click: () => close(), autofocus: true }, "Keep it"),
      h("button", { type: "button", class: "button danger", click: () => close(true) }, yes),
    ),
  ]);
}

/** Ask for an API key; `wrong` when there was one and it was refused. */
export function askKey(wrong) {
  return open((close) => {
    const field = h("input", { type: "password", id: "key", autocomplete: "off", spellcheck: "false", required: true, autofocus: true });
    const submit = (event) => {
      event.preventDefault();
      if (field.value.trim()) close(field.value.trim());
    };
    return [
      heading("API key"),
      h("p", {}, wrong ? "The service does not know this key. Try another one." : "This service is for those who have a key. It stays in this tab and is gone when you close it."),
      h(
        "form",
        { submit },
        h("label", { for: "key", class: "field" }, h("span", {}, "Key"), field),
        h(
          "div",
          { class: "dialog-foot" },
          h("button", { type: "button", class: "button", click: () => close() }, "Not now"),
          h("button", { type: "submit", class: "button primary" }, "Continue"),
        ),
      ),
    ];
  });
}

const KEYS = [
  ["← →", "Previous and next page"],
  ["↑ ↓", "Line by line, in the text"],
  ["Enter", "Show the line on the page"],
  ["C", "Copy the line"],
  ["N", "Next line of low confidence"],
  ["/", "Search"],
  ["+ − 0", "Zoom in, out, whole page"],
  ["Esc", "Let go of the line, close what is open"],
  ["?", "This list"],
];

/** The list of keys. */
export function showKeys() {
  return open((close) => [
    h("div", { class: "dialog-head" }, heading("Keyboard"), button("close", "Close", () => close())),
    h("dl", { class: "keys" }, KEYS.map(([key, what]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)))),
  ]);
}

let notices = null;

/** Say something at the foot of the page for a few seconds; a fault stays until it is put away. */
export function notify(sentence, { fault = false } = {}) {
  if (!notices) {
    notices = h("div", { class: "notices", role: "status" });
    document.body.append(notices);
  }
  const line = h("span", {});
  const notice = h("div", { class: fault ? "notice fault" : "notice" }, line, button("close", "Put away", () => notice.remove()));
  notices.append(notice);
  say(line, sentence);
  if (!fault) setTimeout(() => notice.remove(), NOTICE_MS);
}

/** Copy a text, also where the page is served without TLS and the clipboard is closed to scripts. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = h("textarea", { class: "offstage", "aria-hidden": "true" });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (!done) {
      notify("The browser did not let the text be copied.", { fault: true });
      return;
    }
  }
  notify(`${what} copied`);
}
