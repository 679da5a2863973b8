"use strict";
// Matrix × vector, out += M x, for matrices [rows, columns] of whole numbers of 8 bits with a scale for each row, or of
// float32: in WebAssembly with SIMD where the browser has it, four times as fast as in plain JavaScript, which is the rest.

// ── plain JavaScript: four rows at once ───────────────────────────────────────────────────────────────────────────
function plainProduct({ data, scale, rows, columns, stride }, x, out) {
  let row = 0;
  for (; row + 3 < rows; row += 4) {
    const k = row * stride, l = k + stride, m = l + stride, n = m + stride;
    let a = 0, b = 0, c = 0, d = 0;
    for (let j = 0; j < columns; j += 1) {
      const v = x[j];
      a += data[k + j] * v;
      b += data[l + j] * v;
      c += data[m + j] * v;
      d += data[n + j] * v;
    }
    out[row] += scale ? a * scale[row] : a;
    out[row + 1] += scale ? b * scale[row + 1] : b;
    out[row + 2] += scale ? c * scale[row + 2] : c;
    out[row + 3] += scale ? d * scale[row + 3] : d;
  }
  for (; row < rows; row += 1) {
    let a = 0;
    for (let j = 0, k = row * stride; j < columns; j += 1, k += 1) a += data[k] * x[j];
    out[row] += scale ? a * scale[row] : a;
  }
}

// ── WebAssembly, put together here byte by byte: the same sums, sixteen columns at once ───────────────────────────
// product(matrix, end, x, columns, out) with all but columns as addresses: out[row] = Σ_j M[row, j] x[j] in float32, for
// rows from `matrix` to `end`. Columns are a multiple of 16, and what lies beside a matrix is 0.
const WASM_OPS = {
  get: 0x20, set: 0x21, tee: 0x22, int: 0x41, add: 0x6a, less: 0x49, loop: 0x03, again: 0x0d, end: 0x0b, store: 0x38, sum: 0x92,
};
const SIMD_OPS = { load: [0x00], lane: [0x1f], low8: [0x87, 1], high8: [0x88, 1], low16: [0xa7, 1], high16: [0xa8, 1], toFloat: [0xfa, 1], plus: [0xe4, 1], times: [0xe6, 1], zero: [0x0c, ...new Array(16).fill(0)] };

const simd = (name, ...rest) => [0xfd, ...SIMD_OPS[name], ...rest];
const op = (name, ...rest) => [WASM_OPS[name], ...rest];
const local = (n) => op("get", n);
const loaded = (address, offset) => [...local(address), ...simd("load", 0, offset)];

// Parameters: 0 matrix, 1 end, 2 x, 3 columns, 4 out; locals: 5 the end of x, 6 x's place, 7 sixteen weights, 8–11 sums.
function productBody(isInt8) {
  const quarter = (n) => {
    if (!isInt8) return loaded(0, 16 * n);
    return [...local(7), ...simd(n < 2 ? "low8" : "high8"), ...simd(n % 2 ? "high16" : "low16"), ...simd("toFloat")];
  };
  const added = (n) => [...local(8 + n), ...quarter(n), ...loaded(6, 16 * n), ...simd("times"), ...simd("plus"), ...op("set", 8 + n)];
  const onward = (place, ...bytes) => [...local(place), ...op("int", ...bytes), ...op("add"), ...op("set", place)];
  const total = [...local(8), ...local(9), ...simd("plus"), ...local(10), ...local(11), ...simd("plus"), ...simd("plus"), ...op("set", 8)];
  const lanes = [0, 1, 2, 3].flatMap((lane) => [...local(8), ...simd("lane", lane), ...(lane ? op("sum") : [])]);
  return [
    ...local(2), ...local(3), ...local(3), ...op("add"), ...local(3), ...local(3), ...op("add"), ...op("add"), ...op("add"), ...op("set", 5),
    ...op("loop", 0x40),
    ...[8, 9, 10, 11].flatMap((n) => [...simd("zero"), ...op("set", n)]),
    ...local(2), ...op("set", 6),
    ...op("loop", 0x40),
    ...(isInt8 ? [...loaded(0, 0), ...op("set", 7)] : []),
    ...[0, 1, 2, 3].flatMap(added),
    ...onward(0, ...(isInt8 ? [16] : [0xc0, 0])), // by 16 or 64 bytes
    ...onward(6, 0xc0, 0),
    ...local(6), ...local(5), ...op("less"), ...op("again", 0),
    ...op("end"),
    ...total,
    ...local(4), ...lanes, ...op("store", 2, 0),
    ...onward(4, 4),
    ...local(0), ...local(1), ...op("less"), ...op("again", 0),
    ...op("end"),
  ];
}

const number = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...number(n >> 7)]);
const listed = (parts) => [...number(parts.length), ...parts.flat()];
const section = (id, parts) => { const bytes = listed(parts); return [id, ...number(bytes.length), ...bytes]; };
const named = (text) => listed([...text].map((letter) => [letter.charCodeAt(0)]));

function moduleBytes() {
  const code = (body) => { const bytes = [2, 2, 0x7f, 5, 0x7b, ...body, 0x0b]; return [...number(bytes.length), ...bytes]; };
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [[0x60, 5, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0]]),
    ...section(2, [[...named("own"), ...named("memory"), 2, 0, 0]]),
    ...section(3, [[0], [0]]),
    ...section(7, [[...named("int8"), 0, 0], [...named("float32"), 0, 1]]),
    ...section(10, [code(productBody(true)), code(productBody(false))]),
  ]);
}

// Put matrices into the memory of such a module, and return what multiplies them; null where the browser has none.
function fastProduct(matrices) {
  const padded = (n, size) => Math.ceil(n / size) * size, width = (m) => m.data.BYTES_PER_ELEMENT;
  const bytes = (m) => padded(m.rows * padded(m.columns, 16) * width(m), 64);
  const longest = padded(Math.max(...matrices.map((m) => m.columns)), 16), highest = Math.max(...matrices.map((m) => m.rows));
  let place = padded(4 * longest, 64) + padded(4 * highest, 64);
  const size = matrices.reduce((sum, m) => sum + bytes(m), place);
  let memory, own;
  try {
    memory = new WebAssembly.Memory({ initial: Math.ceil(size / 65536) });
    own = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()), { own: { memory } }).exports;
  } catch { return null; }
  for (const m of matrices) {
    m.stride = padded(m.columns, 16);
    m.place = place;
    const data = new m.data.constructor(memory.buffer, place, m.rows * m.stride);
    for (let row = 0; row < m.rows; row += 1) data.set(m.data.subarray(row * m.columns, (row + 1) * m.columns), row * m.stride);
    m.data = data;
    place += bytes(m);
  }
  const given = new Float32Array(memory.buffer, 0, longest), at = padded(4 * longest, 64), made = new Float32Array(memory.buffer, at, highest);
  return (m, x, out) => {
    given.set(x);
    given.fill(0, m.columns, m.stride);
    own[width(m) === 1 ? "int8" : "float32"](m.place, m.place + m.rows * m.stride * width(m), 0, m.stride, at);
    for (let row = 0; row < m.rows; row += 1) out[row] += m.scale ? made[row] * m.scale[row] : made[row];
  };
}
