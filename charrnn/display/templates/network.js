"use strict";
// The network itself: one step of each cell as charrnn/model/cells.py states it, for one text at a time. It touches no
// document: the same file runs in the page, in a worker made of its text, and under node, where a test compares it with
// Python's equations. L layers, H units, G gate blocks, V characters; a unit's place is layer × H + index.

// ── packed numbers ────────────────────────────────────────────────────────────────────────────────────────────────
// Fifteen bits are one sign, as charrnn/display/packing.py has them; the first tells how many bytes the last makes too many.
function bytesOf(text) {
  const number = (place) => { const code = text.charCodeAt(place); return code < 0xa000 ? code - 0x3400 : code - 0xac00 + 0x6c00; };
  const bytes = new Uint8Array(Math.floor(((text.length - 1) * 15) / 8) - number(0));
  let bits = 0, count = 0, place = 0;
  for (let i = 1; i < text.length; i += 1) {
    bits = (bits << 15) | number(i);
    for (count += 15; count >= 8 && place < bytes.length; place += 1) {
      count -= 8;
      bytes[place] = bits >> count;
    }
    bits &= (1 << count) - 1;
  }
  return bytes;
}

async function unpacked(text, packing = "deflate15") {
  if (packing === "base64") return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function numbersOf(bytes, type) {
  const buffer = bytes.byteOffset ? bytes.slice().buffer : bytes.buffer;
  if (type === "int8") return new Int8Array(buffer);
  return type === "float32" ? new Float32Array(buffer) : floatsOf(new Uint16Array(buffer));
}

// Numbers in half precision, by a table of all that there are.
function floatsOf(bits) {
  const table = new Float32Array(65536), numbers = new Float32Array(bits.length);
  for (let n = 0; n < table.length; n += 1) {
    const sign = n & 0x8000 ? -1 : 1, exponent = (n >> 10) & 31, fraction = n & 1023;
    table[n] = sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : (fraction / 1024) * 2 ** -14);
  }
  for (let k = 0; k < bits.length; k += 1) numbers[k] = table[bits[k]];
  return numbers;
}

// ── the network ───────────────────────────────────────────────────────────────────────────────────────────────────
const GATES = { rnn: [], lstm: ["i", "f", "g", "o"], gru: ["r", "z", "n"], peephole: ["i", "f", "g", "o"] };
const WITH_MEMORY = new Set(["lstm", "peephole"]);
const sigmoid = (x) => 1 / (1 + Math.exp(-x));

class Network {
  // `model` is the document that `charrnn export` writes; its weights may be packed in either way.
  static async from(model, isPlain = false) {
    const weights = {};
    for (const [name, { type, shape, data, scale }] of Object.entries(model.weights)) {
      const columns = shape.length > 1 ? shape[1] : 1;
      weights[name] = {
        rows: shape[0], columns, stride: columns,
        data: numbersOf(await unpacked(data, model.packing), type),
        scale: scale ? numbersOf(await unpacked(scale, model.packing), "float32") : null,
      };
    }
    return new Network(model, weights, isPlain);
  }

  constructor(model, weights, isPlain = false) {
    if (!Object.hasOwn(GATES, model.cell)) throw new Error("no such cell");
    this.cell = model.cell;
    this.relu = model.cell === "rnn" && model.nonlinearity === "relu";
    this.L = model.num_layers;
    this.H = model.hidden_size;
    this.V = model.characters.length;
    this.end = model.end ?? -1; // the symbol around items
    this.units = this.L * this.H;
    this.gateNames = GATES[model.cell];
    this.blocks = Math.max(1, this.gateNames.length);
    this.weights = weights;
    const multiplied = Object.entries(weights).filter(([name]) => /weight_..$|^readout.weight$/.test(name)).map(([, matrix]) => matrix);
    this.product = (!isPlain && fastProduct(multiplied)) || plainProduct;
    this.layers = Array.from({ length: this.L }, (_, layer) => this.layer(layer));
    this.table = new Map(); // what the first layer's gates see of a character, by its id, made when it is first read
    this.gates = new Float64Array(this.units * this.blocks); // of the last step: layer, gate, unit
    this.recurrent = new Float64Array(this.blocks * this.H);
  }

  layer(index) {
    const of = (name) => this.weights[`layers.${index}.${name}`];
    const [input, hidden] = [of("bias_ih").data, of("bias_hh").data];
    const gru = this.cell === "gru"; // whose reset gate acts on the second bias alone
    return {
      input: of("weight_ih"), hidden: of("weight_hh"), peephole: of("peephole") && wholeOf(of("peephole")),
      bias: Float64Array.from(input, (b, j) => (gru ? b : b + hidden[j])), ownBias: gru ? hidden : null,
    };
  }

  start() {
    return { h: new Float64Array(this.units), c: WITH_MEMORY.has(this.cell) ? new Float64Array(this.units) : null };
  }

  copy({ h, c }) {
    return { h: h.slice(), c: c && c.slice() };
  }

  // Read a character: `state` becomes the one after it, `this.gates` what its gates were.
  read(state, id, holds = []) {
    const { H } = this;
    if (id === this.end) { state.h.fill(0); state.c?.fill(0); } // an item begins from the zero state
    for (let l = 0; l < this.L; l += 1) {
      const part = (array) => array && array.subarray(l * H, (l + 1) * H);
      const s = this.gates.subarray(l * this.blocks * H, (l + 1) * this.blocks * H), layer = this.layers[l];
      s.set(l ? layer.bias : this.row(id));
      if (l) this.product(layer.input, state.h.subarray((l - 1) * H, l * H), s);
      this[this.cell](layer, s, part(state.h), part(state.c));
      for (const hold of holds) if (hold.layer === l) state.h[l * H + hold.index] = hold.value;
    }
  }

  rnn(layer, s, h) {
    this.product(layer.hidden, h, s);
    for (let j = 0; j < h.length; j += 1) h[j] = this.relu ? Math.max(0, s[j]) : Math.tanh(s[j]);
  }

  lstm({ hidden }, s, h, c) {
    const H = h.length;
    this.product(hidden, h, s);
    for (let j = 0; j < H; j += 1) {
      const i = sigmoid(s[j]), f = sigmoid(s[H + j]), g = Math.tanh(s[2 * H + j]), o = sigmoid(s[3 * H + j]);
      s[j] = i, s[H + j] = f, s[2 * H + j] = g, s[3 * H + j] = o;
      c[j] = f * c[j] + i * g;
      h[j] = o * Math.tanh(c[j]);
    }
  }

  gru({ hidden, ownBias }, s, h) {
    const H = h.length, u = this.recurrent;
    u.set(ownBias);
    this.product(hidden, h, u);
    for (let j = 0; j < H; j += 1) {
      const r = sigmoid(s[j] + u[j]), z = sigmoid(s[H + j] + u[H + j]), n = Math.tanh(s[2 * H + j] + r * u[2 * H + j]);
      s[j] = r, s[H + j] = z, s[2 * H + j] = n;
      h[j] = (1 - z) * n + z * h[j];
    }
  }

  peephole({ hidden, peephole: p }, s, h, c) {
    const H = h.length;
    this.product(hidden, h, s);
    for (let j = 0; j < H; j += 1) {
      const i = sigmoid(s[j] + p[j] * c[j]), f = sigmoid(s[H + j] + p[H + j] * c[j]), g = Math.tanh(s[2 * H + j]);
      c[j] = f * c[j] + i * g;
      const o = sigmoid(s[3 * H + j] + p[2 * H + j] * c[j]);
      s[j] = i, s[H + j] = f, s[2 * H + j] = g, s[3 * H + j] = o;
      h[j] = o * Math.tanh(c[j]);
    }
  }

  // W_ih x + b for a character: a column of W_ih where characters are one-hot, else its product with the embedding.
  row(id) {
    if (!this.table.has(id)) {
      const { input, bias } = this.layers[0], embedding = this.weights["embedding.weight"], row = bias.slice();
      if (embedding) this.product(input, values(embedding, id), row);
      else for (let j = 0; j < row.length; j += 1) row[j] += input.data[j * input.stride + id] * (input.scale ? input.scale[j] : 1);
      this.table.set(id, row);
    }
    return this.table.get(id);
  }

  logits({ h }, out = new Float64Array(this.V)) {
    out.set(this.weights["readout.bias"].data);
    this.product(this.weights["readout.weight"], h.subarray((this.L - 1) * this.H), out);
    return out;
  }

  // The value of a unit that is shown: tanh(c), or h where there is no c; a held unit shows what it is held at.
  value({ h, c }, place) {
    if (c) return Math.tanh(c[place]);
    return this.relu ? Math.tanh(h[place]) : h[place];
  }

  // All of them as whole numbers from −127 to 127.
  levels(state, out, holds = []) {
    for (let place = 0; place < this.units; place += 1) out[place] = Math.round(127 * this.value(state, place));
    for (const { layer, index, value } of holds) {
      out[layer * this.H + index] = Math.round(127 * (this.relu ? Math.tanh(value) : value));
    }
  }
}

function values({ data, scale, columns, stride }, row) {
  const factor = scale ? scale[row] : 1;
  return Float64Array.from(data.subarray(row * stride, row * stride + columns), (x) => x * factor);
}

// A small matrix as one array of numbers.
function wholeOf(matrix) {
  return Float64Array.from(Array.from({ length: matrix.rows }, (_, row) => [...values(matrix, row)]).flat());
}

// ── probabilities, as charrnn/sampling/distribution.py has them ───────────────────────────────────────────────────
function softmax(logits, temperature = 1) {
  let largest = -Infinity, sum = 0;
  for (const x of logits) largest = Math.max(largest, x);
  const p = Float64Array.from(logits, (x) => Math.exp((x - largest) / temperature));
  for (const share of p) sum += share;
  return p.map((share) => share / sum);
}

// −ln p of a character.
function surprisal(logits, id) {
  let largest = -Infinity, sum = 0;
  for (const x of logits) largest = Math.max(largest, x);
  for (const x of logits) sum += Math.exp(x - largest);
  return Math.log(sum) + largest - logits[id];
}

// The ids of the likeliest, the first among equals first.
function likeliest(p, count) {
  const order = Array.from(p.keys());
  return order.sort((a, b) => p[b] - p[a] || a - b).slice(0, count);
}

function only(p, kept) {
  let sum = 0;
  const q = p.map((share, id) => (kept.has(id) ? share : 0));
  for (const share of q) sum += share;
  return q.map((share) => share / sum);
}

// The shares with which the next character is drawn; at temperature 0 the likeliest one has all.
function shares(logits, { temperature, topK, topP }) {
  if (temperature === 0) return only(softmax(logits), new Set(likeliest(logits, 1)));
  let p = softmax(logits, temperature);
  if (topK) p = only(p, new Set(likeliest(p, topK)));
  if (topP) {
    let before = 0;
    p = only(p, new Set(likeliest(p, p.length).filter((id) => { const kept = before < topP; before += p[id]; return kept; })));
  }
  return p;
}

// The id that a random number in [0, 1) picks.
function draw(logits, settings, noise) {
  const p = shares(logits, settings);
  let reached = 0, total = 0;
  for (const share of p) total += share;
  for (let id = 0; id < p.length; id += 1) {
    reached += p[id];
    if (reached > noise * total) return id;
  }
  return likeliest(p, 1)[0];
}

// ── random numbers: PCG64 from a seed, as numpy's default_rng(seed).random(dtype=float32) gives them ──────────────
class Random {
  constructor(seed) {
    const words = Random.seeded(BigInt(seed)), pair = (n) => (words[n] << 64n) | words[n + 1];
    this.increment = Random.mask((pair(2) << 1n) | 1n);
    this.state = Random.mask((this.increment + pair(0)) * Random.FACTOR + this.increment);
    this.kept = null; // the upper half of the last 64 bits
  }

  static FACTOR = 0x2360ed051fc65da44385df649fccf645n;

  static mask(x) { return BigInt.asUintN(128, x); }

  // numpy's SeedSequence: four words of 64 bits from a number below 2^128.
  static seeded(seed) {
    const mix = (x, y) => { const z = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0; return (z ^ (z >>> 16)) >>> 0; };
    const hash = (start, factor) => (value) => {
      const mixed = (value ^ start) >>> 0;
      start = Math.imul(start, factor) >>> 0;
      const z = Math.imul(mixed, start) >>> 0;
      return (z ^ (z >>> 16)) >>> 0;
    };
    const into = hash(0x43b0d7e5, 0x931e8875), out = hash(0x8b51f9dd, 0x58f38ded);
    const pool = [0n, 1n, 2n, 3n].map((n) => into(Number(BigInt.asUintN(32, seed >> (32n * n)))));
    for (let from = 0; from < 4; from += 1) for (let to = 0; to < 4; to += 1) {
      if (from !== to) pool[to] = mix(pool[to], into(pool[from]));
    }
    const halves = Array.from({ length: 8 }, (_, n) => BigInt(out(pool[n % 4])));
    return [0, 2, 4, 6].map((n) => halves[n] | (halves[n + 1] << 32n));
  }

  next() {
    let bits = this.kept;
    this.kept = null;
    if (bits === null) {
      this.state = Random.mask(this.state * Random.FACTOR + this.increment);
      const turns = this.state >> 122n, x = BigInt.asUintN(64, (this.state >> 64n) ^ this.state);
      const whole = BigInt.asUintN(64, (x >> turns) | (x << ((64n - turns) & 63n)));
      bits = Number(whole & 0xffffffffn);
      this.kept = Number(whole >> 32n);
    }
    return (bits >>> 8) / 16777216;
  }
}
