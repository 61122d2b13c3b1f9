/** The service, asked: keys, problems in sentences, uploads with progress, events. */

const STORED = "pageline.key";
const COOKIE = "pageline_key";
const DOWNLOAD_SECONDS = 60;

/** The service said no, or nothing at all (status 0); the message is a sentence for people. */
export class Problem extends Error {
  constructor(status, message, retryAfter = 0) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

const PLAIN = {
  0: "The service does not answer. Is it running, and are you online?",
  413: "This file is larger than the service takes.",
  429: "The service has its hands full. Try again in a moment.",
  503: "The service is not ready just now. Try again in a moment.",
};

let askForKey = async () => null;
let asking = null;
let declined = false;

/** `ask(wrong)` gives a key, or null when the person would rather not; then nobody asks again until `offerKey`. */
export function whenKeyIsNeeded(ask) {
  askForKey = ask;
}

/** Forget the key, and that somebody had none. */
export function offerKey() {
  sessionStorage.removeItem(STORED);
  declined = false;
}

export const hasKey = () => sessionStorage.getItem(STORED) !== null;

function headers() {
  const key = sessionStorage.getItem(STORED);
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

/** Ask once, however many calls wait for it. `used` is the key that was refused. */
async function haveKey(used) {
  if (sessionStorage.getItem(STORED) !== used) return true;
  if (declined) return false;
  asking ??= askForKey(used !== null).finally(() => {
    asking = null;
  });
  const key = await asking;
  if (key) sessionStorage.setItem(STORED, key);
  declined = !key;
  return Boolean(key);
}

/** Ask the service; answers that are no success are thrown as `Problem`. */
export async function ask(path, options = {}) {
  const used = sessionStorage.getItem(STORED);
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: { ...options.headers, ...headers() } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, PLAIN[0]);
  }
  if (answer.status === 401 && (await haveKey(used))) return ask(path, options);
  if (!answer.ok) throw problemOf(answer.status, await answer.text(), answer.headers.get("Retry-After"));
  return answer;
}

export const json = async (path, options) => (await ask(path, options)).json();

/** Have something done; the answer is read to its end, so that its connection is free for others. */
export async function order(method, path) {
  await (await ask(path, { method })).text();
}

function problemOf(status, body, retryAfter) {
  let detail = "";
  try {
    detail = JSON.parse(body).detail;
  } catch {
    // It is not from the service but from something in front of it.
  }
  const sentence = typeof detail === "string" && detail ? detail : PLAIN[status];
  return new Problem(status, sentence ?? `The service answered with error ${status}.`, Number(retryAfter) || 0);
}

/** The address of something of a document. */
export const address = (id, ...parts) => ["/v1/documents", id, ...parts].map((part, at) => (at ? encodeURIComponent(part) : part)).join("/");

/** Send a file; `progress` is told 0 to 1. Gives the document's summary. */
export function upload(file, fields, progress, signal) {
  const used = sessionStorage.getItem(STORED);
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file, file.name);
  const request = new XMLHttpRequest(); // fetch does not tell how much has been sent
  request.open("POST", "/v1/documents");
  for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
  request.upload.addEventListener("progress", (event) => progress(event.lengthComputable ? event.loaded / event.total : 0));
  signal.addEventListener("abort", () => request.abort());
  return new Promise((resolve, reject) => {
    request.addEventListener("error", () => reject(new Problem(0, "The upload broke off: the service does not answer.")));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText));
      else if (request.status === 401) {
        haveKey(used).then((given) => {
          if (given) upload(file, fields, progress, signal).then(resolve, reject);
          else reject(new Problem(401, "The service asks for an API key."));
        }, reject);
      } else reject(problemOf(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    });
    request.send(form);
  });
}

/**
 * Let the browser fetch a download itself, however large: a link can carry no header, so the key goes along
 * as a cookie for this one path and minute.
 */
export function allowDownload(path) {
  const key = sessionStorage.getItem(STORED);
  if (key === null) return;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${COOKIE}=${key}; Path=${path}; Max-Age=${DOWNLOAD_SECONDS}; SameSite=Strict${secure}`;
}

/**
 * Follow a document's events until its end, through broken connections. `told(kind, data)` is called for each.
 * (EventSource can send no key.)
 */
export async function follow(id, told, signal) {
  let last = null;
  let pause = 500;
  while (!signal.aborted) {
    try {
      const sent = { Accept: "text/event-stream", ...(last === null ? {} : { "Last-Event-ID": last }) };
      const answer = await ask(address(id, "events"), { headers: sent, signal });
      if (answer.status === 204) return; // nothing more will happen
      for await (const event of events(answer.body)) {
        pause = 500;
        last = event.id ?? last;
        told(event.kind, event.data);
        if (event.kind === "end") return;
      }
    } catch (error) {
      if (signal.aborted || [401, 403, 404].includes(error.status)) return;
      told("broken", null);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 10000);
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value.replaceAll("\r", "")).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = parsed(block);
      if (event) yield event;
    }
  }
}

function parsed(block) {
  const event = { kind: "message", id: null, data: "" };
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) event.kind = line.slice(6).trim();
    else if (line.startsWith("id:")) event.id = line.slice(3).trim();
    else if (line.startsWith("data:")) event.data += line.slice(5).trim();
  }
  return event.data ? { ...event, data: JSON.parse(event.data) } : null;
}
