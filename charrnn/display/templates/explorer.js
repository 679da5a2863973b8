"use strict";
// The explorer page: one object of data, one of state, two readings (the recorded passage and what is typed), and
// functions that draw them. Nothing of the data becomes markup or code: it enters the page as text nodes.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const PAINTS = 41;
const UNREAD = -128; // the level of a character that has not been read; others are −127 to 127
const state = { layer: 0, index: 0, at: 0, anchor: -1, strongest: [], shown: -1, a: null, b: null };

// ── readings ──────────────────────────────────────────────────────────────────────────────────────────────────────
// A text of T characters with what the units do at each: rows of single units that came with the page, and columns of
// all units as a network reads on.
class Reading {
  constructor(name) {
    Object.assign(this, { name, signs: [], spans: [], surprisal: [], guesses: [], skipped: [], rows: new Map() });
    this.columns = new Int8Array(0); // [T, units]
  }

  get length() { return this.signs.length; }

  row(layer, index) {
    const place = layer * data.units + index, all = data.layers * data.units;
    if (this.rows.has(place)) return this.rows.get(place);
    return Int8Array.from({ length: this.length }, (_, t) => this.columns[t * all + place] ?? UNREAD);
  }

  level(layer, index, t) {
    const place = layer * data.units + index;
    return this.rows.get(place)?.[t] ?? this.columns[t * data.layers * data.units + place] ?? UNREAD;
  }

  // Make room for a text, and forget what was read from a place on.
  resize(length, from) {
    const all = data.layers * data.units;
    if (this.columns.length < length * all) {
      const larger = new Int8Array(Math.ceil(1.5 * length) * all).fill(UNREAD);
      larger.set(this.columns);
      this.columns = larger;
    }
    this.columns.fill(UNREAD, from * all);
  }

  put(t, levels) {
    this.columns.set(levels, t * data.layers * data.units);
  }
}

const passage = new Reading("passage");
let reading = passage; // the one that is looked at
let spans = passage.spans;

const value = (level) => level / 127;
const paint = (level) => (level === UNREAD ? "unread" : `v${Math.round((level / 254 + 0.5) * (PAINTS - 1))}`);
const signed = (x) => (Number.isFinite(x) ? (x < 0 ? "−" : "+") + Math.abs(x).toFixed(2) : "–");
const name = (layer, index) => `${layer}:${index}`;

// The guesses: for each character how many there are, then the place in the alphabet and the percentage of each.
async function unpackGuesses() {
  const numbers = new Uint16Array((await unpacked(data.guesses)).buffer);
  for (let t = 0, n = 0; t < data.length; n += 2 * numbers[n] + 1, t += 1) {
    passage.guesses.push(Array.from({ length: numbers[n] }, (_, k) => [data.alphabet[numbers[n + 2 * k + 1]], numbers[n + 2 * k + 2]]));
  }
}

async function unpackValues() {
  const levels = await unpacked(data.values), kept = data.kept || Array.from({ length: data.layers * data.units }, (_, n) => n);
  const finer = Int8Array.from({ length: data.levels }, (_, level) => Math.round(((2 * level) / (data.levels - 1) - 1) * 127));
  const rows = new Int8Array(levels.length);
  for (let k = 0; k < levels.length; k += 1) rows[k] = finer[levels[k]];
  kept.forEach((place, n) => passage.rows.set(place, rows.subarray(n * data.length, (n + 1) * data.length)));
}

const gateRows = new Map(); // "layer:unit" -> a promise of the gates' levels, one gate after the other
function keptGates(unit) {
  if (!(unit in data.gateValues)) return null;
  if (!gateRows.has(unit)) gateRows.set(unit, unpacked(data.gateValues[unit]).then(halves));
  return gateRows.get(unit);
}

function halves(bytes) {
  const levels = new Uint8Array(2 * bytes.length);
  bytes.forEach((byte, place) => { levels[2 * place] = byte >> 4; levels[2 * place + 1] = byte & 15; });
  return levels;
}

// The gates of the unit at a character, by the order of data.gates; null where they are not known.
async function gatesAt(t) {
  const recorded = reading === passage ? await keptGates(name(state.layer, state.index)) : null;
  if (!recorded) return live ? live.gates(reading, t, state.layer, state.index) : null;
  return data.gates.map(([, isSigned], n) => {
    const share = recorded[n * data.length + t] / (data.gateLevels - 1);
    return isSigned ? 2 * share - 1 : share;
  });
}

// ── elements ──────────────────────────────────────────────────────────────────────────────────────────────────────
function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function writeText() {
  const ends = new Set(data.ends), tabs = new Set(data.tabs), runs = new Set(data.runs);
  const fragment = document.createDocumentFragment();
  let line = fragment;
  passage.spans = data.signs.map((sign, place) => {
    if (runs.has(place)) {
      line = element("div", "run");
      line.dir = "auto";
      fragment.append(line);
    }
    const span = element("span", "", line === fragment ? sign : sign.replace(/^◌(?=.)/u, ""));
    span.place = place;
    if (tabs.has(place)) span.dataset.tab = "";
    line.append(span);
    if (ends.has(place)) {
      if (line === fragment) fragment.append("\n");
      line = fragment;
    }
    return span;
  });
  spans = passage.spans;
  $("text").replaceChildren(fragment);
}

function openPassage() {
  passage.signs = data.signs;
  passage.surprisal = data.surprisal;
  writeText();
}

// ── one unit ──────────────────────────────────────────────────────────────────────────────────────────────────────
function show(layer, index, { history: how = "replace" } = {}) {
  state.layer = Math.min(data.layers - 1, Math.max(0, layer));
  state.index = (index + data.units) % data.units;
  const unit = name(state.layer, state.index), feature = followed(unit);
  if (location.hash !== `#${unit}`) history[how === "push" ? "pushState" : "replaceState"](null, "", `#${unit}`);
  $("unit-name").textContent = unit;
  const follows = feature ? `${feature.feature.replaceAll("_", " ")} · ` : "";
  $("unit-feature").textContent = feature ? `${follows}${feature.metric} ${feature.score.toFixed(2)} · ` : "";
  document.title = `${follows}unit ${unit} of ${data.title} · charrnn`;
  $("layer").value = state.layer;
  $("unit").value = state.index;
  colour();
  histogram();
  strongest();
  character();
  for (const line of $("ranked").rows) line.classList.toggle("here", line.dataset.unit === unit);
  unitsNeeded();
  if (live) live.unitChanged();
  say(`unit ${unit}${feature ? `, follows ${feature.feature}` : ""}`);
}

const followed = (unit) => data.ranked.find((each) => name(...each.unit) === unit && each.single);

// Draw all that depends on the unit, the reading and the place.
function refresh() {
  colour();
  histogram();
  strongest();
  character();
  firing();
}

function colour(from = 0, to = spans.length) {
  const levels = reading.row(state.layer, state.index);
  for (let t = from; t < to; t += 1) spans[t].className = reading.skipped[t] ? "skipped" : paint(levels[t]);
  drawMark();
}

function histogram() {
  const levels = reading.row(state.layer, state.index);
  const bins = new Array(32).fill(0);
  for (const level of levels) if (level !== UNREAD) bins[Math.min(31, Math.floor(((level + 127) / 255) * 32))] += 1;
  const most = Math.max(1, ...bins);
  const picture = $("histogram");
  picture.replaceChildren();
  bins.forEach((count, place) => {
    const height = Math.max(count ? 1 : 0, (62 * count) / most);
    const bar = drawn("rect", { x: place * 10 + 0.5, y: 66 - height, width: 9, height });
    bar.style.fill = getComputedStyle(legend[Math.round((place / 31) * (PAINTS - 1))]).backgroundColor;
    bar.style.stroke = "var(--line)";
    bar.append(drawn("title", {}, `${count} characters`));
    picture.append(bar);
  });
  [[0, "−1", "start"], [160, "0", "middle"], [320, "+1", "end"]].forEach(([x, text, anchor]) =>
    picture.append(drawn("text", { x, y: 80, "text-anchor": anchor }, text)));
}

function drawn(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, given] of Object.entries(attributes)) made.setAttribute(key, given);
  if (text !== undefined) made.textContent = text;
  return made;
}

const legend = [...document.querySelectorAll(".scale i")];
const WINDOW = 32; // characters of a passage
const APART = 4; // its lengths between one passage and the next, for a unit may keep its value over many lines

function strongest() {
  const levels = reading.row(state.layer, state.index);
  const size = Math.min(WINDOW, reading.length);
  const found = [...peaks(levels, 3, 1), ...peaks(levels, 3, -1)];
  state.strongest = found.map((peak) => wordAt(Math.min(Math.max(0, peak - (size >> 1)), reading.length - size), peak));
  state.shown = -1;
  $("strongest").replaceChildren(...found.map((peak, rank) => excerpt(state.strongest[rank], value(levels[peak]), size)));
}

// Where the word begins at which a passage with a peak can begin, so that it does not begin within one.
function wordAt(place, peak) {
  for (let t = place; t < Math.min(peak, place + 12); t += 1) if (t === 0 || /[\s↵⇥]/u.test(reading.signs[t - 1])) return t;
  return place;
}

function peaks(levels, count, sign) {
  const left = Array.from(levels, (level) => (level === UNREAD ? -Infinity : sign * value(level)));
  const found = [];
  while (found.length < count && left.length) {
    const best = left.reduce((most, height, place) => (height > left[most] ? place : most), 0);
    if (left[best] <= 0) break; // nothing is left on this side of 0
    found.push(best);
    left.fill(-Infinity, Math.max(0, best - APART * WINDOW), best + APART * WINDOW);
  }
  return found;
}

function excerpt(place, peak, size) {
  const button = element("button");
  button.type = "button";
  button.append(element("span", "soft", `${signed(peak)} `));
  const levels = reading.row(state.layer, state.index), end = Math.min(reading.length, place + size);
  for (let i = place; i < end; i += 1) button.append(element("span", paint(levels[i]), reading.signs[i]));
  button.setAttribute("aria-label", `peak ${signed(peak)}: ${reading.signs.slice(place, end).join("")}`);
  button.addEventListener("click", () => goTo(place, size));
  const item = element("li");
  item.append(button);
  return item;
}

function goTo(place, size) {
  state.at = place;
  state.anchor = Math.min(reading.length - 1, place + size - 1);
  spans[place].scrollIntoView({ block: "center" });
  document.documentElement.dataset.pointed = "yes";
  drawMark();
  character();
  firing();
}

// ── one character ─────────────────────────────────────────────────────────────────────────────────────────────────
function character() {
  const t = state.at, isThere = t >= 0 && t < reading.length, isSkipped = isThere && reading.skipped[t];
  const level = isThere ? reading.level(state.layer, state.index, t) : UNREAD;
  $("sign").textContent = isThere ? reading.signs[t] : "·";
  $("sign").className = `sign ${isThere && !isSkipped ? paint(level) : ""}`;
  $("place").textContent = isThere ? `character ${(t + 1).toLocaleString("en")} of ${reading.length.toLocaleString("en")}` : "nothing has been read yet";
  $("guesses").replaceChildren(...((isThere && reading.guesses[t]) || []).map(([guess, percent]) => {
    const item = element("li", "", guess === " " ? "␣" : guess);
    item.append(element("small", "", `${percent} %`));
    return item;
  }));
  if (!isThere || isSkipped) $("figures").replaceChildren(...(isThere ? told("", "The model does not know this character; it is skipped.") : []));
  else figures(t, level);
}

// The figures of a character; until its gates are known, those of the one before stand there, pale.
async function figures(t, level) {
  const looked = reading, unit = name(state.layer, state.index), nats = reading.surprisal[t];
  const put = (gates, className) => {
    const rows = gates ? data.gates.flatMap(([gate, isSigned], n) => figure(`gate ${gate}`, gates[n], isSigned)) : [];
    for (const row of rows) if (className) row.classList.add(className);
    if (!gates && data.gates.length) rows.push(...told("gates", live ? "the network has not read so far yet" : "kept for the units that vary most; make the page with --unit"));
    $("figures").replaceChildren(...figure(data.scale, level === UNREAD ? NaN : value(level), true), ...rows,
      ...told("surprisal", Number.isFinite(nats) ? `${nats.toFixed(2)} nats` : "–"));
  };
  if (state.gates && data.gates.length) put(state.gates, "pale");
  const gates = data.gates.length && level !== UNREAD ? await gatesAt(t) : null;
  if (t !== state.at || looked !== reading || unit !== name(state.layer, state.index)) return; // another was pointed at meanwhile
  state.gates = gates;
  put(gates, "");
}

function figure(label, x, isSigned) {
  const bar = element("dd", isSigned ? "bar signed" : "bar");
  const part = element("i"), shown = Number.isFinite(x) ? x : 0;
  const from = isSigned ? 50 + 50 * Math.min(0, shown) : 0;
  part.style.left = `${from}%`;
  part.style.width = `${isSigned ? 50 * Math.abs(shown) : 100 * shown}%`;
  bar.append(part);
  return [element("dt", "", label), bar, element("dd", "", isSigned || !Number.isFinite(x) ? signed(x) : x.toFixed(2))];
}

const told = (label, text) => [element("dt", "", label), element("dd", "none", text)];

function say(text) {
  $("said").textContent = text;
}
