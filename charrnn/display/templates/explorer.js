"use strict";
// The explorer page: one object of data, one of state, and functions that draw the second from the first.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const PAINTS = 41;
const state = { layer: 0, index: 0, at: -1, anchor: -1, strongest: [], shown: 0 };
let values = new Uint8Array(data.layers * data.units * data.length); // [layer, unit, character], 0 to levels − 1
let spans = [];

// ── data ──────────────────────────────────────────────────────────────────────────────────────────────────────────
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const row = (layer, index) => values.subarray((layer * data.units + index) * data.length).subarray(0, data.length);
const value = (level) => (2 * level) / (data.levels - 1) - 1;
const paint = (level) => Math.round((level / (data.levels - 1)) * (PAINTS - 1));
const signed = (x) => (x < 0 ? "−" : "+") + Math.abs(x).toFixed(2);
const name = (layer, index) => `${layer}:${index}`;

const gateRows = new Map(); // "layer:unit" -> a promise of the gates' levels, one gate after the other
function gatesOf(unit) {
  if (!(unit in data.gateValues)) return Promise.resolve(null);
  if (!gateRows.has(unit)) gateRows.set(unit, unpacked(data.gateValues[unit]).then(halves));
  return gateRows.get(unit);
}

function halves(bytes) {
  const levels = new Uint8Array(2 * bytes.length);
  bytes.forEach((byte, place) => { levels[2 * place] = byte >> 4; levels[2 * place + 1] = byte & 15; });
  return levels;
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
  spans = data.signs.map((sign, place) => {
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
  $("text").replaceChildren(fragment);
}

// ── one unit ──────────────────────────────────────────────────────────────────────────────────────────────────────
function show(layer, index, { history: how = "replace" } = {}) {
  state.layer = Math.min(data.layers - 1, Math.max(0, layer));
  state.index = (index + data.units) % data.units;
  const unit = name(state.layer, state.index);
  if (location.hash !== `#${unit}`) history[how === "push" ? "pushState" : "replaceState"](null, "", `#${unit}`);
  $("unit-name").textContent = unit;
  $("layer").value = state.layer;
  $("unit").value = state.index;
  colour();
  histogram();
  strongest();
  character();
  for (const line of $("ranked").rows) line.classList.toggle("here", line.dataset.unit === unit);
  say(`unit ${unit}`);
}

function colour() {
  const levels = row(state.layer, state.index);
  spans.forEach((span, place) => { span.className = `v${paint(levels[place])}`; });
  drawMark();
}

function histogram() {
  const levels = row(state.layer, state.index);
  const bins = new Array(32).fill(0);
  for (const level of levels) bins[Math.min(31, Math.floor((level / data.levels) * 32))] += 1;
  const most = Math.max(...bins);
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
  const levels = row(state.layer, state.index);
  const size = Math.min(WINDOW, data.length);
  const found = [...peaks(levels, 3, 1), ...peaks(levels, 3, -1)];
  state.strongest = found.map((peak) => Math.min(Math.max(0, peak - (size >> 1)), data.length - size));
  state.shown = -1;
  $("strongest").replaceChildren(...found.map((peak, rank) => passage(state.strongest[rank], value(levels[peak]), size)));
}

function peaks(levels, count, sign) {
  const left = Array.from(levels, (level) => sign * value(level));
  const found = [];
  while (found.length < count) {
    const best = left.reduce((most, height, place) => (height > left[most] ? place : most), 0);
    if (left[best] <= 0) break; // nothing is left on this side of 0
    found.push(best);
    left.fill(-Infinity, Math.max(0, best - APART * WINDOW), best + APART * WINDOW);
  }
  return found;
}

function passage(place, peak, size) {
  const button = element("button");
  button.type = "button";
  button.append(element("span", "soft", `${signed(peak)} `));
  const levels = row(state.layer, state.index);
  for (let i = place; i < place + size; i += 1) button.append(element("span", `v${paint(levels[i])}`, spans[i].textContent));
  button.setAttribute("aria-label", `peak ${signed(peak)}: ${data.signs.slice(place, place + size).join("")}`);
  button.addEventListener("click", () => goTo(place, size));
  const item = element("li");
  item.append(button);
  return item;
}

function goTo(place, size) {
  state.at = place;
  state.anchor = Math.min(data.length - 1, place + size - 1);
  spans[place].scrollIntoView({ block: "center" });
  drawMark();
  character();
  firing();
}

// ── one character ─────────────────────────────────────────────────────────────────────────────────────────────────
async function character() {
  const place = state.at;
  const figures = $("figures");
  if (place < 0) return;
  document.documentElement.dataset.pointed = "yes";
  const level = row(state.layer, state.index)[place];
  $("sign").textContent = data.signs[place];
  $("sign").className = `sign v${paint(level)}`;
  $("place").textContent = `character ${(place + 1).toLocaleString("en")} of ${data.length.toLocaleString("en")}`;
  const unit = name(state.layer, state.index);
  const gates = await gatesOf(unit);
  if (place !== state.at || unit !== name(state.layer, state.index)) return; // another was pointed at meanwhile
  figures.replaceChildren(...figure(data.scale, value(level), true));
  data.gates.forEach(([gate, isSigned], number) => {
    if (!gates) return;
    const share = gates[number * data.length + place] / (data.gateLevels - 1);
    figures.append(...figure(`gate ${gate}`, isSigned ? 2 * share - 1 : share, isSigned));
  });
  if (!gates && data.gates.length) figures.append(...told("gates", "kept for the units that vary most; make the page with --unit"));
  figures.append(...told("surprisal", `${data.surprisal[place].toFixed(2)} nats`));
  $("guesses").replaceChildren(...data.guesses[place].map(([guess, percent]) => {
    const item = element("li", "", data.alphabet[guess] === " " ? "␣" : data.alphabet[guess]);
    item.append(element("small", "", `${percent} %`));
    return item;
  }));
}

function figure(label, x, isSigned) {
  const bar = element("dd", isSigned ? "bar signed" : "bar");
  const part = element("i");
  const from = isSigned ? 50 + 50 * Math.min(0, x) : 0;
  part.style.left = `${from}%`;
  part.style.width = `${isSigned ? 50 * Math.abs(x) : 100 * x}%`;
  bar.append(part);
  return [element("dt", "", label), bar, element("dd", "", isSigned ? signed(x) : x.toFixed(2))];
}

const told = (label, text) => [element("dt", "", label), element("dd", "none", text)];

// ── the marked passage ────────────────────────────────────────────────────────────────────────────────────────────
const marked = () => (state.anchor < 0 ? null : [Math.min(state.at, state.anchor), Math.max(state.at, state.anchor) + 1]);

let painted = [];
function drawMark() {
  for (const span of painted) span.classList.remove("in", "at");
  const range = marked();
  painted = range ? spans.slice(...range) : [];
  for (const span of painted) span.classList.add("in");
  if (state.at >= 0) {
    spans[state.at].classList.add("at");
    painted.push(spans[state.at]);
  }
}

function firing() {
  const range = marked();
  $("brushed").hidden = !range || range[1] - range[0] < 2;
  if ($("brushed").hidden) return;
  const [from, to] = range;
  const ranks = contrasts(from, to).slice(0, 14);
  $("mark").textContent = `“${data.signs.slice(from, to).join("").slice(0, 60)}”: the mean there, less the mean elsewhere, in standard deviations`;
  $("firing").replaceChildren(...ranks.map(({ layer, index, z }) => {
    const item = element("li");
    item.append(choice(layer, index, `${name(layer, index)}`, signed(z)));
    return item;
  }));
}

function contrasts(from, to) {
  const found = [];
  const inside = to - from, outside = data.length - inside;
  for (let layer = 0; layer < data.layers; layer += 1) for (let index = 0; index < data.units; index += 1) {
    const levels = row(layer, index);
    let sum = 0, squares = 0, own = 0;
    for (let i = 0; i < levels.length; i += 1) { sum += levels[i]; squares += levels[i] * levels[i]; }
    for (let i = from; i < to; i += 1) own += levels[i];
    const spread = Math.sqrt(Math.max(1e-9, squares / levels.length - (sum / levels.length) ** 2));
    found.push({ layer, index, z: spread < 0.5 || !outside ? 0 : (own / inside - (sum - own) / outside) / spread });
  }
  return found.sort((a, b) => Math.abs(b.z) - Math.abs(a.z));
}

function choice(layer, index, label, aside) {
  const button = element("button", "", label);
  button.type = "button";
  if (aside) button.append(element("span", "", aside));
  button.addEventListener("click", () => show(layer, index, { history: "push" }));
  return button;
}

// ── ranked features ───────────────────────────────────────────────────────────────────────────────────────────────
function rank() {
  $("features").hidden = !data.ranked.length;
  $("ranked").replaceChildren(...data.ranked.map((each) => {
    const line = element("tr", each.verdict === "single unit" ? "" : "weak");
    line.dataset.unit = name(...each.unit);
    const cell = element("td");
    const button = choice(...each.unit, each.feature);
    button.title = each.metric;
    cell.append(button);
    const scores = [each.score, each.surface, each.whole].map((score) => score.toFixed(2));
    const rest = [`${each.sign < 0 ? "−" : ""}${name(...each.unit)}`, ...scores, each.p, each.verdict];
    line.append(cell, ...rest.map((said) => element("td", "", said)));
    return line;
  }));
}

function nextFeature(step) {
  const units = data.ranked.map((each) => name(...each.unit));
  if (!units.length) return;
  const here = nextFeature.last !== undefined && units[nextFeature.last] === name(state.layer, state.index)
    ? nextFeature.last : units.indexOf(name(state.layer, state.index));
  nextFeature.last = (here + step + units.length + (here < 0 && step < 0 ? 1 : 0)) % units.length;
  show(...data.ranked[nextFeature.last].unit, { history: "push" });
  say(`unit ${units[nextFeature.last]} follows ${data.ranked[nextFeature.last].feature}`);
}

function say(text) {
  $("said").textContent = text;
}

// ── hands ─────────────────────────────────────────────────────────────────────────────────────────────────────────
function move(place, marking) {
  if (marking && state.anchor < 0) state.anchor = Math.max(0, state.at);
  if (!marking) state.anchor = -1;
  state.at = Math.min(data.length - 1, Math.max(0, place));
  spans[state.at].scrollIntoView({ block: "nearest" });
  drawMark();
  character();
  firing();
  say(`${data.signs[state.at]}, ${signed(value(row(state.layer, state.index)[state.at]))}`);
}

function lineAway(place, step) {
  const box = spans[Math.max(0, place)].getBoundingClientRect();
  let best = place, least = Infinity;
  for (let i = place + step; i >= 0 && i < data.length && Math.abs(i - place) < 600; i += step) {
    const other = spans[i].getBoundingClientRect();
    const rows = Math.round(((other.top - box.top) * step) / box.height);
    if (rows > 1) break;
    if (rows === 1 && Math.abs(other.left - box.left) < least) { least = Math.abs(other.left - box.left); best = i; }
  }
  return best;
}

function textKey(event) {
  const at = Math.max(0, state.at);
  const right = getComputedStyle(spans[at]).direction === "rtl" ? -1 : 1;
  const places = {
    ArrowLeft: () => state.at - right, ArrowRight: () => state.at + right, ArrowUp: () => lineAway(at, -1),
    ArrowDown: () => lineAway(at, 1), Home: () => 0, End: () => data.length - 1,
    PageUp: () => at - 400, PageDown: () => at + 400,
  };
  if (event.key === "Escape") { state.anchor = -1; drawMark(); firing(); $("text").blur(); return true; }
  if (!(event.key in places)) return false;
  move(places[event.key](), event.shiftKey);
  return true;
}

const KEYS = {
  ArrowLeft: () => show(state.layer, state.index - 1), ArrowRight: () => show(state.layer, state.index + 1),
  ArrowUp: () => show(state.layer - 1, state.index), ArrowDown: () => show(state.layer + 1, state.index),
  n: () => nextFeature(1), p: () => nextFeature(-1), t: () => { $("text").focus(); if (state.at < 0) move(0, false); },
  s: () => {
    state.shown = (state.shown + 1) % state.strongest.length;
    goTo(state.strongest[state.shown], Math.min(WINDOW, data.length));
  },
  d: () => dark(!document.documentElement.classList.contains("dark")), "?": () => $("help").showModal(),
};

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  if (event.target === $("text") && textKey(event)) { event.preventDefault(); return; }
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || event.target.matches("input, select")) return;
  event.preventDefault();
  act();
}

function dark(on) {
  document.documentElement.classList.toggle("dark", on);
  $("dark").setAttribute("aria-pressed", on);
}

function listen() {
  document.addEventListener("keydown", key);
  let pressed = false, moved = false;
  const placeOf = (event) => document.elementFromPoint(event.clientX, event.clientY)?.place;
  $("text").addEventListener("pointerdown", (event) => {
    const place = placeOf(event);
    if (event.button || place === undefined) return;
    pressed = event.pointerType !== "touch" || event.isPrimary;
    moved = false;
    state.at = place;
    state.anchor = event.shiftKey && state.anchor >= 0 ? state.anchor : place;
  });
  $("text").addEventListener("pointermove", (event) => {
    const place = placeOf(event);
    if (place === undefined || place === state.at) return;
    if (!pressed && state.anchor >= 0) return; // a marked passage stays until the next click
    state.at = place;
    moved = pressed;
    drawMark();
    character();
  });
  document.addEventListener("pointerup", () => {
    if (!pressed) return;
    pressed = false;
    if (!moved) state.anchor = -1;
    drawMark();
    character();
    firing();
  });
  $("layer").addEventListener("change", (event) => show(Number(event.target.value), state.index));
  $("unit").addEventListener("change", (event) => show(state.layer, Math.min(data.units - 1, Math.max(0, Number(event.target.value) || 0))));
  $("previous").addEventListener("click", () => show(state.layer, state.index - 1));
  $("next").addEventListener("click", () => show(state.layer, state.index + 1));
  $("dark").addEventListener("click", KEYS.d);
  $("help-button").addEventListener("click", KEYS["?"]);
  window.addEventListener("hashchange", fromAddress);
}

function fromAddress() {
  const [layer, index] = location.hash.slice(1).split(":").map(Number);
  const there = Number.isInteger(layer) && Number.isInteger(index) && layer >= 0 && layer < data.layers && index >= 0 && index < data.units;
  show(...(there ? [layer, index] : data.opens));
}

async function open() {
  dark(matchMedia("(prefers-color-scheme: dark)").matches);
  $("layer").replaceChildren(...Array.from({ length: data.layers }, (_, layer) => element("option", "", String(layer))));
  $("unit").max = data.units - 1;
  writeText();
  rank();
  values = await unpacked(data.values);
  listen();
  fromAddress();
  document.documentElement.dataset.ready = "yes";
}

open();
