/** From a page's stored JSON to lines in reading order, each where it stands on the page as it was read. */

const RIGHT_TO_LEFT = new Set(["Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm"]);
const IN_COLUMNS = new Set(["Hani", "Hans", "Hant", "Hira", "Kana", "Jpan", "Hang", "Kore", "Bopo"]);
const TALL = 1.5; // from this on, the pipeline turns a line's picture before it reads it
const GAP = 0.9; // of a line's height: more room than this above a line begins a paragraph

/**
 * A page for people.
 *
 * `width` and `height` are those of the picture that was read, in pixels; each line has `index` (its place
 * in the JSON), `text`, `score`, `direction`, `script`, `language`, `source`, `begins` (a paragraph) and
 * `box`: `{x, y, width, height, angle, upright}`, turned by `angle` (radians) around its corner x, y, its
 * text along `width`, or down along `height` where `upright` characters stand in a column.
 */
export function pageOf(result) {
  const [width, height] = sizeOf(result.page);
  if (result.state !== "done") return { state: result.state, reason: result.reason, width, height, lines: [] };
  const order = result.reading_order ?? result.rec_texts.map((_, index) => index);
  const lines = order.map((index) => lineOf(result, index));
  lines.forEach((line, at) => {
    line.begins = at > 0 && parted(lines[at - 1].box, line.box);
  });
  return { state: "done", reason: null, width, height, lines, details: detailsOf(result) };
}

function sizeOf(page = {}) {
  const turned = (page.transform?.angle ?? 0) % 180 !== 0;
  const { width = 0, height = 0 } = page;
  return turned ? [height, width] : [width, height];
}

function lineOf(result, index) {
  const text = result.rec_texts[index];
  const script = result.rec_scripts?.[index] ?? null;
  // Angles are told of every line that was found; they run beside the texts unless lines were left out.
  const angles = result.textline_orientation_angles ?? [];
  const turned = angles.length === result.rec_texts.length && angles[index] === 1;
  return {
    index,
    text,
    score: result.rec_scores[index],
    direction: RIGHT_TO_LEFT.has(script) ? "rtl" : "auto",
    script,
    language: result.rec_languages?.[index] ?? null,
    source: result.text_source?.[index] ?? "ocr",
    box: boxOf(result.rec_polys[index], { columns: IN_COLUMNS.has(script), turned, letters: [...text].length }),
  };
}

const distance = ([x0, y0], [x1, y1]) => Math.hypot(x1 - x0, y1 - y0);

/** The corners of `quad` go clockwise around the page, from what is the top left one of a level line. */
export function boxOf(quad, { columns, turned, letters }) {
  const tall = distance(quad[0], quad[3]) >= TALL * distance(quad[0], quad[1]) && letters > 1;
  const upright = tall && columns && !turned;
  // The corner at which the text begins: a tall line reads downwards, its letters' tops to the right.
  const first = ((tall && !upright ? 1 : 0) + (turned ? 2 : 0)) % 4;
  const corner = quad[first];
  const along = quad[(first + 1) % 4];
  return {
    x: corner[0],
    y: corner[1],
    width: distance(corner, along),
    height: distance(corner, quad[(first + 3) % 4]),
    angle: Math.atan2(along[1] - corner[1], along[0] - corner[0]),
    upright,
  };
}

/** Whether a line stands clear of the one read before it: lower down, or in another column. */
function parted(before, line) {
  if (before.upright || line.upright) return before.upright !== line.upright;
  const room = line.y - (before.y + before.height);
  const height = Math.min(before.height, line.height);
  const level = Math.abs(line.y - before.y) < height / 2;
  return room > GAP * height || (room < -2 * height && !level);
}

function detailsOf(result) {
  const { pipeline = {}, timings = {}, page = {} } = result;
  return {
    engine: [pipeline.engine, pipeline.device, pipeline.precision].filter(Boolean).join(", "),
    seconds: timings.total ?? null,
    warning: page.warning ?? null,
  };
}

/** How sure the reading is, in five steps from 0, which is doubtful, to 4. */
export function sureness(score) {
  return [0.6, 0.8, 0.9, 0.95].filter((least) => score >= least).length;
}

/** All places of `wanted` in `text` as pairs of start and end; case and compatibility forms do not count. */
export function places(text, wanted) {
  const sought = plainOf(wanted);
  if (!sought) return [];
  const { text: simple, origin } = folded(text);
  const found = [];
  for (let at = simple.indexOf(sought); at !== -1; at = simple.indexOf(sought, at + sought.length)) {
    const last = origin[at + sought.length - 1];
    found.push([origin[at], last + String.fromCodePoint(text.codePointAt(last)).length]);
  }
  return found;
}

/** A text as it is compared: without case, accents and forms of letters. */
export function plainOf(text) {
  return text.normalize("NFKD").replace(/\p{Mn}/gu, "").toLowerCase();
}

/** The same, and for each of its units where in the original it comes from. */
function folded(text) {
  let simple = "";
  const origin = [];
  for (let at = 0; at < text.length; ) {
    const character = String.fromCodePoint(text.codePointAt(at));
    const plain = plainOf(character);
    for (let unit = 0; unit < plain.length; unit += 1) origin.push(at);
    simple += plain;
    at += character.length;
  }
  return { text: simple, origin };
}
