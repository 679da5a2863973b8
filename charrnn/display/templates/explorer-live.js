// ── the network in the page: what is typed is read, and what it writes is shown ───────────────────────────────────
let live = null; // null: the page carries no network
const MOST_WRITTEN = 2000; // characters of one run of writing
const TYPED_A_SECOND = 24; // characters of an example

// The visible sign for a character, as charrnn/display/signs.py has it.
function signOf(character) {
  if (character === "\n") return "↵";
  if (character === "\t") return "⇥";
  if (character < " ") return String.fromCharCode(0x2400 + character.charCodeAt(0));
  if (/\p{M}/u.test(character)) return `◌${character}`;
  return /[\p{C}\p{Zl}\p{Zp}]/u.test(character) ? "�" : character;
}

class Live {
  constructor(model) {
    this.characters = model.characters;
    this.signs = model.characters.map((character, id) => (id === model.end ? "⏎" : signOf(character)));
    this.ids = new Map(model.characters.map((character, id) => [character, id]));
    if (model.end !== null && !this.ids.has("\n")) this.ids.set("\n", model.end); // each line that is typed is an item
    this.unknown = model.folds ? this.ids.get("\ufffd") : undefined; // the id that stands for what the model does not know
    this.beginnings = this.logBeginnings(model.line_beginnings);
    this.typed = new Reading("typed");
    this.text = []; // the characters of the box
    this.holds = [];
    this.where = [];
    const isRelu = model.cell === "rnn" && model.nonlinearity === "relu";
    [this.lowest, this.highest] = isRelu ? [0, 10] : [-1, 1]; // what a unit can be held at
    this.free = [];  // surprisals of the text read without holds
    this.version = 0;
    this.changes = []; // of the text since what the engine has last told of: the version, and the first place that changed
    this.queries = new Map();
    this.isReady = this.hasReadPassage = false;
    this.start(model);
  }

  // A worker made of this page's own script; where a browser starts none, the engine runs in the page.
  start(model) {
    const hear = (message) => this[`hear_${message.what}`]?.(message), load = { what: "load", model, start: data.before };
    const startHere = () => {
      const engine = new Engine(hear);
      this.post = (message) => engine.receive(message);
      this.post(load);
    };
    try {
      const worker = new Worker(URL.createObjectURL(new Blob([$("engine").textContent], { type: "text/javascript" })));
      worker.onmessage = (event) => hear(event.data);
      worker.onerror = () => { if (!this.isReady) startHere(); };
      this.post = (message) => worker.postMessage(message);
      this.post(load);
    } catch { startHere(); }
  }

  logBeginnings(counts) {
    const begins = (character) => Object.hasOwn(counts, character) && counts[character] > 0;
    const onlyBlank = !this.characters.some((character) => begins(character) && character.trim());
    const logs = this.characters.map((character) => (begins(character) && (character.trim() || onlyBlank) ? Math.log(counts[character]) : -Infinity));
    return logs.some(Number.isFinite) ? Float64Array.from(logs) : null;
  }

  hear_failed({ told: text }) {
    $("progress").textContent = `The network cannot run in this browser: ${text}`;
  }

  hear_loaded() {
    this.isReady = true;
    document.documentElement.dataset.model = "ready";
    passage.resize(data.length, 0);
    this.post({ what: "read", name: "passage", ids: Array.from(data.text, (character) => this.ids.get(character)), holds: [], version: 0 });
    if (this.text.length) this.readAgain();
  }

  // ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────
  get name() { return this.holds.length ? "held" : "typed"; }

  // Take the text of the box: the spans of what has changed are made anew, and it is read from there on.
  takeText() {
    const { typed } = this, text = Array.from($("box").value), old = this.text;
    let same = 0, end = 0;
    while (same < text.length && same < old.length && text[same] === old[same]) same += 1;
    while (end < Math.min(text.length, old.length) - same && text.at(-1 - end) === old.at(-1 - end)) end += 1;
    const made = text.slice(same, text.length - end).map(spanOf);
    typed.spans.slice(same, old.length - end).forEach((span) => span.remove());
    $("mirror").insertBefore(fragmentOf(made), $("mirror").childNodes[same] || null);
    typed.spans.splice(same, old.length - end - same, ...made);
    typed.spans.forEach((span, place) => { span.place = place; });
    this.text = text;
    typed.signs = text.map(signOf);
    typed.skipped = text.map((character) => !this.ids.has(character) && this.unknown === undefined);
    this.where = text.map((_, t) => t).filter((t) => !typed.skipped[t]); // the characters that are read
    typed.resize(text.length, same);
    typed.surprisal.length = typed.guesses.length = Math.min(same, typed.surprisal.length);
    if (reading === typed) spans = typed.spans;
    return same;
  }

  idsOf(text) {
    return text.filter((character) => this.ids.has(character) || this.unknown !== undefined).map((character) => this.ids.get(character) ?? this.unknown);
  }

  // The box has changed.
  changed() {
    const from = this.takeText(), read = this.where.findIndex((t) => t >= from);
    state.a = state.a?.reading === this.typed ? null : state.a;
    state.b = state.b?.reading === this.typed ? null : state.b;
    this.readAgain(read < 0 ? this.where.length : read);
    if (reading === this.typed) { colour(from); this.cursor(); }
  }

  readAgain(from = 0, isFresh = false) {
    if (!this.isReady) return;
    this.changedFrom(from);
    const ids = this.idsOf(this.text), { version } = this;
    if (this.holds.length) this.post({ what: "read", name: "held", ids, holds: this.holds, version, isFresh });
    this.post({ what: "read", name: "typed", ids, holds: [], version, isFresh });
    this.tellCost();
  }

  // From a place on, what the engine has read of an older text holds no more.
  changedFrom(from) {
    this.version += 1;
    this.changes.push({ version: this.version, from });
  }

  hear_read({ name: which, version, from, nats, levels, guesses, ended }) {
    if (which === "passage") { this.passageRead(from, levels, ended); return; }
    this.changes = this.changes.filter((change) => change.version > version);
    const valid = Math.max(0, Math.min(nats.length, ...this.changes.map((change) => change.from - from)));
    if (which === "typed") this.free.splice(from, Infinity, ...nats.slice(0, valid));
    if (which === this.name) this.put(from, nats.slice(0, valid), levels, guesses);
    this.tellCost();
  }

  put(from, nats, levels, guesses) {
    const { typed } = this, all = data.layers * data.units;
    nats.forEach((each, n) => {
      const t = this.where[from + n];
      typed.put(t, levels.subarray(n * all, (n + 1) * all));
      typed.surprisal[t] = each;
      typed.guesses[t] = guesses[n].map(([id, share]) => [this.signs[id], Math.round(100 * share)]);
    });
    if (reading !== typed || !nats.length) return;
    colour(this.where[from], this.where[from + nats.length - 1] + 1);
    this.drawSoon();
  }

  // Draw what depends on the whole text once a frame, however many characters have been read.
  drawSoon() {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = 0;
      histogram();
      strongest();
      character();
      firing();
    });
  }

  passageRead(from, levels, ended) {
    passage.put(from, levels);
    this.hasReadPassage = ended;
    const read = from + levels.length / (data.layers * data.units);
    $("progress").textContent = ended ? "" : `the network reads the passage: ${Math.floor((100 * read) / data.length)} %`;
    if (reading !== passage || passage.rows.has(state.layer * data.units + state.index)) return;
    colour(from, read);
    this.drawSoon();
  }

  tellCost() {
    const mean = (nats) => { const known = nats.filter(Number.isFinite); return known.reduce((sum, each) => sum + each, 0) / known.length; };
    const shown = mean(this.typed.surprisal), free = mean(this.free), skipped = [...new Set(this.text.filter((_, t) => this.typed.skipped[t]))];
    const parts = [`${this.text.length.toLocaleString("en")} character${this.text.length === 1 ? "" : "s"}`];
    if (Number.isFinite(shown)) parts.push(`${shown.toFixed(2)} nats per character${this.holds.length ? ` with ${this.holds.length === 1 ? "the unit" : "units"} held, ${free.toFixed(2)} free` : ""}`);
    if (skipped.length) parts.push(`skipped, unknown to the model: ${skipped.slice(0, 8).map(signOf).join(" ")}`);
    $("cost").textContent = this.text.length ? parts.join(" · ") : "";
  }

  gates(looked, t, layer, index) {
    if (!this.isReady || (looked === passage && !this.hasReadPassage && passage.columns[t * data.layers * data.units] === UNREAD)) return null;
    for (const answer of this.queries.values()) answer(null); // what was asked before is of no use any more
    this.queries.clear();
    const query = (this.lastQuery = (this.lastQuery || 0) + 1), typed = looked === this.typed;
    this.post({ what: "gates", name: typed ? this.name : "passage", place: typed ? this.where.indexOf(t) : t, query });
    return new Promise((answer) => this.queries.set(query, answer)).then((gates) =>
      gates && data.gates.map((_, n) => gates[(layer * data.gates.length + n) * data.units + index]));
  }

  hear_gates({ query, gates }) {
    this.queries.get(query)?.(gates);
    this.queries.delete(query);
  }

  // The character before the cursor is the one that is looked at; a selection is a marked passage.
  cursor() {
    if (reading !== this.typed) return;
    const box = $("box"), place = (offset) => Array.from(box.value.slice(0, offset)).length;
    const from = place(box.selectionStart), to = place(box.selectionEnd);
    state.at = Math.max(0, to - 1);
    state.anchor = to - from > 1 ? from : -1;
    this.reveal();
    drawMark();
    character();
    firing();
  }

  // Scroll the sheet, not the page, to the character that is looked at.
  reveal() {
    const span = this.typed.spans[state.at], sheet = $("mirror").parentElement.parentElement;
    if (!span) { sheet.scrollTop = 0; return; }
    const top = span.offsetTop, bottom = top + span.offsetHeight;
    if (bottom > sheet.scrollTop + sheet.clientHeight - 12) sheet.scrollTop = bottom - sheet.clientHeight + 12;
    else if (top < sheet.scrollTop) sheet.scrollTop = top - 12;
  }

  // ── an example, typed out ───────────────────────────────────────────────────────────────────────────────────────
  typeOut(sentence) {
    this.stopTyping();
    this.stop();
    look(this.typed);
    $("box").value = "";
    this.changed();
    const letters = Array.from(sentence);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) letters.splice(0, Infinity, sentence);
    const next = () => {
      const box = $("box");
      box.value += letters.shift();
      box.setSelectionRange(box.value.length, box.value.length);
      this.changed();
      this.typing = letters.length ? setTimeout(next, 1000 / TYPED_A_SECOND) : 0;
    };
    if (letters.length) next();
  }

  stopTyping() {
    clearTimeout(this.typing);
    this.typing = 0;
  }

  unitChanged() {
    for (const button of document.querySelectorAll("#tries button")) button.classList.toggle("here", button.dataset.unit === name(state.layer, state.index));
    $("hold").textContent = this.holds.some((hold) => isHeld(hold)) ? `Let go of unit ${name(state.layer, state.index)}` : `Hold unit ${name(state.layer, state.index)}`;
    for (const stream of this.streams || []) stream.spans.forEach((span, n) => { span.className = paint(stream.levels[n][state.layer * data.units + state.index]); });
  }
}

const isHeld = (hold) => hold.layer === state.layer && hold.index === state.index;

function fragmentOf(elements) {
  const made = document.createDocumentFragment();
  made.append(...elements);
  return made;
}

function spanOf(character) {
  const span = element("span", "unread", character);
  if (character === "\n") span.dataset.end = "";
  return span;
}

// Look at the passage or at what is typed.
function look(wanted) {
  if (!live || wanted === reading) return;
  reading = wanted;
  spans = reading.spans;
  state.at = 0;
  state.anchor = -1;
  painted = [];
  for (const [id, isIt] of [["passage", reading === passage], ["typed", reading === live.typed]]) {
    $(id).hidden = !isIt;
    $(`tab-${id}`).setAttribute("aria-selected", isIt);
    $(`tab-${id}`).tabIndex = isIt ? 0 : -1;
  }
  refresh();
  live.cursor();
}
