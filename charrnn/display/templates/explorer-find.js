// ── marked passages, and the units to be found by them ────────────────────────────────────────────────────────────
const marked = () => (state.anchor < 0 ? null : [Math.min(state.at, state.anchor), Math.max(state.at, state.anchor) + 1]);

let painted = [];
function drawMark() {
  for (const span of painted) span.classList.remove("in", "at", "is-a", "is-b");
  painted = [];
  const put = (range, className) => { for (const span of spans.slice(...(range || [0, 0]))) { span.classList.add(className); painted.push(span); } };
  put(rangeOf("a"), "is-a");
  put(rangeOf("b"), "is-b");
  put(marked(), "in");
  if (state.at >= 0) put([state.at, state.at + 1], "at");
}

// The passage A or B, where it is of the text that is looked at and that has not changed.
const rangeOf = (which) => (state[which]?.reading === reading && state[which].range[1] <= reading.length ? state[which].range : null);

function setPassage(which) {
  const range = marked();
  if (!range) { say("mark a passage first"); return; }
  state[which] = { reading, range };
  $("question").value = "two";
  drawMark();
  firing();
  say(`passage ${which.toUpperCase()} is set`);
}

const QUESTIONS = {
  mark() {
    const range = marked();
    if (!range || range[1] - range[0] < 2) return { told: "Mark a passage: drag over it, or Shift and arrows.", ranks: [] };
    return { told: `${quoted(range)}: the mean there, less the mean elsewhere, in standard deviations`, ranks: contrasts([range], null) };
  },
  two() {
    const a = rangeOf("a"), b = rangeOf("b");
    if (!a || !b) return { told: `Mark a passage and press A, mark another and press B. ${a ? "A is set." : ""}${b ? "B is set." : ""}`, ranks: [] };
    return { told: `A ${quoted(a)}, B ${quoted(b)}: the mean over A, less the mean over B, in standard deviations`, ranks: contrasts([a], [b]) };
  },
  switch() {
    const before = readBefore(state.at);
    return { told: "The value here, less the value one character before", ranks: before < 0 ? [] : ranked((layer, index) => at(layer, index, state.at) - at(layer, index, before)) };
  },
  high: () => ({ told: "The value at this character", ranks: ranked((layer, index) => at(layer, index, state.at)).sort((a, b) => b.z - a.z) }),
  low: () => ({ told: "The value at this character", ranks: ranked((layer, index) => at(layer, index, state.at)).sort((a, b) => a.z - b.z) }),
};

const quoted = ([from, to]) => `“${reading.signs.slice(from, Math.min(to, from + 30)).join("")}${to - from > 30 ? "…" : ""}”`;
const at = (layer, index, t) => { const level = reading.level(layer, index, t); return level === UNREAD ? NaN : value(level); };

function readBefore(t) {
  let before = t - 1;
  while (before >= 0 && reading.skipped[before]) before -= 1;
  return before;
}

function firing() {
  const { told: text, ranks } = QUESTIONS[$("question").value]();
  const known = ranks.filter(({ z }) => Number.isFinite(z)).slice(0, 14);
  $("mark").textContent = text + (live && reading === passage && !live.hasReadPassage && known.length ? " (among the units read so far)" : "");
  $("firing").replaceChildren(...known.map(({ layer, index, z }) => {
    const item = element("li");
    item.append(choice(layer, index, name(layer, index), signed(z)));
    return item;
  }));
}

// All units by the size of a figure, the largest first.
function ranked(figureOf) {
  const found = [];
  for (let layer = 0; layer < data.layers; layer += 1) for (let index = 0; index < data.units; index += 1) {
    found.push({ layer, index, z: figureOf(layer, index) });
  }
  return found.filter(({ z }) => Number.isFinite(z)).sort((a, b) => Math.abs(b.z) - Math.abs(a.z));
}

// The mean over some characters less that over others (null: over the rest), in standard deviations over all.
function contrasts(own, other) {
  const sides = new Uint8Array(reading.length).fill(other ? 0 : 2);
  for (const range of other || []) sides.fill(2, ...range);
  for (const range of own) sides.fill(1, ...range);
  return ranked((layer, index) => {
    const levels = reading.row(layer, index), sums = [0, 0, 0], counts = [0, 0, 0];
    let squares = 0;
    for (let t = 0; t < levels.length; t += 1) if (levels[t] !== UNREAD) {
      sums[sides[t]] += levels[t];
      counts[sides[t]] += 1;
      squares += levels[t] * levels[t];
    }
    const count = counts[0] + counts[1] + counts[2], mean = (sums[0] + sums[1] + sums[2]) / count;
    const spread = Math.sqrt(Math.max(0, squares / count - mean * mean));
    if (!counts[1]) return NaN;
    return spread < 1 || !counts[2] ? 0 : (sums[1] / counts[1] - sums[2] / counts[2]) / spread;
  });
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
    const line = element("tr", each.single ? "" : "weak");
    line.dataset.unit = name(...each.unit);
    const cell = element("td");
    const button = choice(...each.unit, "");
    each.feature.split("_").forEach((word, n) => button.append(...(n ? ["_", element("wbr"), word] : [word]))); // lines break between words
    button.title = each.metric;
    cell.append(button);
    if (live && each.sentence) cell.append(example(each));
    const scores = [each.score, each.surface, each.whole].map((score) => score?.toFixed(2) ?? "–");
    const rest = [`${each.sign < 0 ? "−" : ""}${name(...each.unit)}`, ...scores, each.p, each.verdict];
    line.append(cell, ...rest.map((said) => element("td", "", said)));
    return line;
  }));
}

// The curve of the feature that the shown unit follows best: from this unit on, how much of the layer's strength more units have.
function unitsNeeded() {
  const unit = name(state.layer, state.index), each = data.ranked.find((one) => one.curve.length && name(...one.unit) === unit);
  $("needed").hidden = !each;
  if (!each) return;
  $("needed-title").textContent = `${each.feature}: share of the layer's strength, by number of units from ${unit} on`;
  const x = (units) => 30 + (280 * Math.log2(units)) / 6, y = (share) => 88 - 80 * Math.min(1.05, Math.max(0, share));
  const points = each.curve.map(([units, share]) => `${x(units).toFixed(1)},${y(share).toFixed(1)}`).join(" ");
  const picture = $("curve");
  picture.replaceChildren(
    drawn("line", { x1: x(1), x2: x(64), y1: y(0), y2: y(0), class: "axis" }),
    drawn("line", { x1: x(1), x2: x(64), y1: y(0.95), y2: y(0.95), class: "enough" }),
    drawn("polyline", { points }),
    ...[[0, "0 %"], [0.95, "95 %"]].map(([share, text]) => drawn("text", { x: 26, y: y(share) + 3, "text-anchor": "end" }, text)),
    ...[1, 2, 4, 8, 16, 32, 64].map((units) => drawn("text", { x: x(units), y: 101, "text-anchor": "middle" }, `${units}`)));
  for (const [units, share] of each.curve) {
    const dot = drawn("circle", { cx: x(units), cy: y(share), r: 2.5 });
    dot.append(drawn("title", {}, `${units} unit${units > 1 ? "s" : ""}: ${Math.round(100 * share)} %`));
    picture.append(dot);
  }
}

// The features that a single unit follows, as buttons that type a piece of text each.
function offerExamples() {
  const single = data.ranked.filter((each) => each.sentence && each.single), units = single.map((each) => name(...each.unit));
  const offered = single.filter((_, n) => units.indexOf(units[n]) === n).slice(0, 6); // each unit once
  if (!live || !offered.length) return;
  $("tries").replaceChildren(element("span", "soft", "Watch a unit at"), ...offered.map((each) => {
    const button = example(each, each.feature.replaceAll("_", " "), "");
    button.dataset.unit = name(...each.unit);
    return button;
  }));
}

function example(each, label = "✎", className = "example") {
  const button = element("button", className, label);
  button.type = "button";
  button.title = "Type a piece of text in which it shows (E)";
  if (className) button.setAttribute("aria-label", `Type a piece of text in which ${each.feature} shows`);
  button.addEventListener("click", () => { show(...each.unit, { history: "push" }); live.typeOut(each.sentence); });
  return button;
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
