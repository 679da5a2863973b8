"use strict";
// The engine: reads texts and writes with a network, a slice at a time, so that it can be told of a change in between.
// It runs in a worker, or in the page where a browser starts none; `post` hands its messages to the page.

// A text as it is read: what the units do at every character, and states now and then from which to read again.
class Reader {
  // `start` is the state before the text, from which its first character is predicted, too, where `isBegun`.
  constructor(network, every, start = null, isBegun = false) {
    this.network = network;
    this.every = every;
    this.first = start || network.start();
    this.isBegun = isBegun;
    this.holds = [];
    this.ids = [];
    this.restart();
  }

  restart() {
    this.kept = []; // the state before every character whose place is a multiple of `every`
    this.place = 0; // of the next character to be read
    this.state = this.network.copy(this.first);
    this.logits = this.isBegun ? this.network.logits(this.first) : null; // of the next character
    this.gates = null; // of the character that was read last, where it was read by `next`
  }

  // Take a text; what it has in common with the one before stays read. Returns the place of the first change.
  take(ids, holds) {
    if (JSON.stringify(holds) !== JSON.stringify(this.holds)) this.restart();
    this.holds = holds;
    let same = 0;
    while (same < ids.length && same < this.ids.length && ids[same] === this.ids[same]) same += 1;
    this.ids = ids;
    if (same < this.place) this.goTo(same);
    return this.place;
  }

  // Go back to the state before a character that has been read.
  goTo(place) {
    const from = Math.floor(place / this.every);
    this.kept.length = Math.min(this.kept.length, from + 1);
    this.state = this.stateAt(place);
    this.gates = null;
    this.place = place;
    this.logits = place || this.isBegun ? this.network.logits(this.state) : null;
  }

  // The state before a character, by reading on from the last one that was kept.
  stateAt(place) {
    const from = Math.min(this.kept.length - 1, Math.floor(place / this.every));
    const state = from < 0 ? this.network.copy(this.first) : this.network.copy(this.kept[from]);
    for (let t = Math.max(0, from) * this.every; t < place; t += 1) this.network.read(state, this.ids[t], this.holds);
    return state;
  }

  // A text of its own that goes on from here.
  fork() {
    const made = new Reader(this.network, Infinity, this.state);
    return Object.assign(made, { holds: this.holds, logits: this.logits });
  }

  // Read the next character; return its surprisal.
  next() {
    const id = this.ids[this.place], nats = this.logits ? surprisal(this.logits, id) : NaN;
    if (this.place % this.every === 0) this.kept[this.place / this.every] = this.network.copy(this.state);
    this.network.read(this.state, id, this.holds);
    this.gates = new Float32Array(this.network.gates);
    this.logits = this.network.logits(this.state);
    this.place += 1;
    return nats;
  }
}

const SLICE = 12; // milliseconds of reading between two looks at what the page has sent
const GUESSES = 5;
const LOOK = { typed: 0, held: 0, passage: 150 }; // milliseconds between two messages of what was read

const KINDS = new Set(["load", "read", "write", "speed", "stop", "gates"]);

class Engine {
  constructor(post) {
    this.post = post;
    this.jobs = []; // of the most urgent kind first
    this.ticking = false;
    this.channel = new MessageChannel();
    this.channel.port1.onmessage = () => this.tick();
  }

  async receive(message) {
    try {
      if (KINDS.has(message.what)) await this[message.what](message);
    } catch (error) {
      this.post({ what: "failed", told: String(error.message) });
    }
  }

  async load({ model, start }) {
    this.network = await Network.from(model);
    const begin = start && (await this.stateOf(start, model.packing));
    const [first, isBegun] = this.beforeItems(model.end);
    this.end = model.end;
    const typed = () => new Reader(this.network, 4, first, isBegun);
    this.readers = { typed: typed(), held: typed(), passage: new Reader(this.network, 32, begin) };
    this.jobs = ["held", "typed", "passage"].map((name) => ({ name, reader: this.readers[name], batch: null, sent: 0, version: 0 }));
    this.post({ what: "loaded" });
  }

  // A model of items has read the symbol around them before each.
  beforeItems(end) {
    const state = this.network.start();
    if (end !== null) this.network.read(state, end);
    return [state, end !== null];
  }

  // The state before a passage: h and, where there is one, c.
  async stateOf(packed, packing) {
    const numbers = Float64Array.from(numbersOf(await unpacked(packed, packing), "float32")), { units } = this.network;
    return { h: numbers.slice(0, units), c: numbers.length > units ? numbers.slice(units) : null };
  }

  read({ name, ids, holds, version, isFresh }) {
    const job = this.jobs.find((each) => each.name === name);
    if (isFresh) job.reader.restart();
    const from = job.reader.take(ids, holds);
    Object.assign(job, { batch: null, version });
    if (from >= ids.length) this.send(job, from);
    this.wake();
  }

  wake() {
    if (!this.ticking) this.channel.port2.postMessage(null);
    this.ticking = true;
  }

  // A slice of work: first what is typed, then what is written, then the passage.
  tick() {
    const until = performance.now() + SLICE, typed = this.jobs.filter(({ name }) => name !== "passage");
    let busy = typed.some((job) => this.go(job, until));
    if (!busy && this.run) busy = this.writeOn(until);
    if (!busy) busy = this.go(this.jobs[2], until);
    this.ticking = busy;
    if (busy) this.channel.port2.postMessage(null);
  }

  // Read on until the time is over; tell whether something is left to read.
  go(job, until) {
    const { reader } = job;
    if (reader.place >= reader.ids.length) return false;
    job.batch ||= this.batch(reader);
    do this.take(job.batch, reader, reader.next()); while (reader.place < reader.ids.length && performance.now() < until);
    const now = performance.now(), ended = reader.place >= reader.ids.length;
    if (ended || now - job.sent >= LOOK[job.name]) {
      this.send(job, job.batch.from);
      job.sent = now;
    }
    return true;
  }

  batch(reader) {
    return { from: reader.place, nats: [], levels: [], guesses: [] };
  }

  take(batch, reader, nats) {
    const levels = new Int8Array(this.network.units), p = softmax(reader.logits);
    this.network.levels(reader.state, levels, reader.holds);
    batch.nats.push(nats);
    batch.levels.push(levels);
    batch.guesses.push(foremost(p, GUESSES).map((id) => [id, p[id]]));
  }

  send(job, from) {
    const batch = job.batch || { nats: [], levels: [], guesses: [] };
    const { name, version, reader } = job;
    this.post({ what: "read", name, version, from, nats: batch.nats, levels: joined(batch.levels, this.network.units), guesses: batch.guesses, ended: reader.place >= reader.ids.length });
    job.batch = null;
  }

  // The gates of all units at a character; null where it has not been read.
  gates({ name, place, query }) {
    const reader = this.readers[name];
    this.post({ what: "gates", query, gates: place < reader.place ? this.gatesAt(reader, place) : null });
  }

  gatesAt(reader, place) {
    if (place === reader.place - 1 && reader.gates) return reader.gates;
    this.network.read(reader.stateAt(place), reader.ids[place], reader.holds);
    return new Float32Array(this.network.gates);
  }

  // Write on from the end of a text. Where no unit is held, what is drawn is read as if it were typed; else a free and a
  // held text go on side by side, drawn with the same random numbers.
  // One that was stopped goes on with its random numbers, and with its own streams.
  write({ ids, holds, settings, seed, speed, length, beginnings, run, goesOn }) {
    const { typed, held } = this.readers;
    typed.take(ids, []);
    held.take(holds.length ? ids.slice() : [], holds);
    let streams = () => (holds.length ? [typed.fork(), held.fork()] : [typed]);
    if (goesOn && holds.length) ({ streams } = this.last);
    const random = goesOn ? this.last.random : new Random(seed);
    this.run = { run, streams, settings, speed, left: length, beginnings, random, due: 0, drawn: [] };
    this.last = this.run;
    this.wake();
  }

  speed({ speed }) {
    if (!this.run) return;
    Object.assign(this.run, { speed, due: performance.now() });
    clearTimeout(this.timer);
    this.wake();
  }

  stop() {
    clearTimeout(this.timer);
    this.flush(true);
    this.run = null;
  }

  // Draw until the time is over or the next character is not due; tell whether to go on at once.
  writeOn(until) {
    const { run } = this;
    if (typeof run.streams === "function") run.streams = run.streams(); // what is before them has been read by now
    while (performance.now() < until && run.left > 0) {
      const wait = run.due - performance.now();
      if (wait > 0) {
        this.flush(false);
        this.timer = setTimeout(() => this.wake(), wait);
        return false;
      }
      this.drawOne(run);
      run.due = Math.max(run.due + 1000 / run.speed, performance.now() - 200);
    }
    this.flush(run.left <= 0);
    if (run.left <= 0) this.run = null;
    return run.left > 0;
  }

  drawOne(run) {
    const noise = run.random.next(), batch = { nats: [], levels: [], guesses: [] };
    const ids = run.streams.map((reader) => draw(reader.logits || run.beginnings || new Float64Array(this.network.V), run.settings, noise));
    if (ids.includes(this.end)) { run.left = 0; return; } // an item ends here
    for (const [n, reader] of run.streams.entries()) {
      const id = ids[n];
      reader.ids.push(id);
      this.take(batch, reader, reader.next());
    }
    run.left -= 1;
    run.drawn.push({ ids, ...batch });
  }

  flush(ended) {
    const { run } = this;
    if (!run || (!run.drawn.length && !ended)) return;
    this.post({ what: "wrote", run: run.run, drawn: run.drawn, ended });
    run.drawn = [];
  }
}

// The ids of the few likeliest, without sorting all.
function foremost(p, count) {
  const found = [];
  for (let id = 0; id < p.length; id += 1) {
    if (found.length === count && p[id] <= p[found[count - 1]]) continue;
    let place = found.length;
    while (place && p[found[place - 1]] < p[id]) place -= 1;
    found.splice(place, 0, id);
    if (found.length > count) found.pop();
  }
  return found;
}

function joined(rows, width) {
  const all = new Int8Array(rows.length * width);
  rows.forEach((row, place) => all.set(row, place * width));
  return all;
}

if (typeof WorkerGlobalScope !== "undefined" && self instanceof WorkerGlobalScope) {
  const engine = new Engine((message) => self.postMessage(message));
  self.onmessage = (event) => engine.receive(event.data);
}
