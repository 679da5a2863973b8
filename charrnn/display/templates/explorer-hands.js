// ── hands ─────────────────────────────────────────────────────────────────────────────────────────────────────────
function move(place, marking) {
  if (marking && state.anchor < 0) state.anchor = Math.max(0, state.at);
  if (!marking) state.anchor = -1;
  pointTo(Math.min(reading.length - 1, Math.max(0, place)));
  spans[state.at].scrollIntoView({ block: "nearest" });
  say(`${reading.signs[state.at]}, ${signed(at(state.layer, state.index, state.at))}`);
}

function pointTo(place) {
  state.at = place;
  document.documentElement.dataset.pointed = "yes";
  drawMark();
  character();
  firing();
}

function lineAway(place, step) {
  const box = spans[Math.max(0, place)].getBoundingClientRect();
  let best = place, least = Infinity;
  for (let i = place + step; i >= 0 && i < reading.length && Math.abs(i - place) < 600; i += step) {
    const other = spans[i].getBoundingClientRect();
    const rows = Math.round(((other.top - box.top) * step) / box.height);
    if (rows > 1) break;
    if (rows === 1 && Math.abs(other.left - box.left) < least) { least = Math.abs(other.left - box.left); best = i; }
  }
  return best;
}

function textKey(event) {
  const here = Math.max(0, state.at);
  const right = getComputedStyle(spans[here]).direction === "rtl" ? -1 : 1;
  const places = {
    ArrowLeft: () => state.at - right, ArrowRight: () => state.at + right, ArrowUp: () => lineAway(here, -1),
    ArrowDown: () => lineAway(here, 1), Home: () => 0, End: () => data.length - 1,
    PageUp: () => here - 400, PageDown: () => here + 400,
  };
  if (event.key === "Escape") { state.anchor = -1; drawMark(); firing(); $("text").blur(); return true; }
  if (!Object.hasOwn(places, event.key)) return false;
  move(places[event.key](), event.shiftKey);
  return true;
}

// While text is typed, letters are letters: only these act.
function boxKey(event) {
  if (event.key === "Escape") { live.stopTyping(); live.stop(); $("box").blur(); }
  else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) live.toggleWriting();
  else if (event.altKey && event.key === "ArrowUp") show(state.layer, state.index - 1);
  else if (event.altKey && event.key === "ArrowDown") show(state.layer, state.index + 1);
  else return false;
  return true;
}

const KEYS = {
  ArrowLeft: () => show(state.layer, state.index - 1), ArrowRight: () => show(state.layer, state.index + 1),
  ArrowUp: () => show(state.layer - 1, state.index), ArrowDown: () => show(state.layer + 1, state.index),
  n: () => nextFeature(1), p: () => nextFeature(-1), t: () => $(reading === passage ? "text" : "box").focus(),
  s: () => {
    if (!state.strongest.length) return;
    state.shown = (state.shown + 1) % state.strongest.length;
    goTo(state.strongest[state.shown], Math.min(WINDOW, reading.length));
  },
  a: () => setPassage("a"), b: () => setPassage("b"),
  d: () => dark(!document.documentElement.classList.contains("dark")), "?": () => $("help").showModal(),
};

const LIVE_KEYS = {
  1: () => look(passage), 2: () => { look(live.typed); $("box").focus(); },
  e: () => { const each = data.ranked.find(({ unit }) => name(...unit) === name(state.layer, state.index)); if (each?.sentence) live.typeOut(each.sentence); },
  w: () => live.toggleWriting(), h: () => live.toggleHold(), Escape: () => { live.stopTyping(); live.stop(); },
};

function key(event) {
  if ($("help").open) return;
  if (event.target === $("box") && boxKey(event)) { event.preventDefault(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === $("text") && textKey(event)) { event.preventDefault(); return; }
  const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const act = Object.hasOwn(KEYS, pressed) ? KEYS[pressed] : live && Object.hasOwn(LIVE_KEYS, pressed) ? LIVE_KEYS[pressed] : null;
  if (!act || event.target.matches("input, select, textarea") || (event.target.getAttribute("role") === "tab" && /^Arrow/.test(pressed))) return;
  event.preventDefault();
  act();
}

function dark(on) {
  document.documentElement.classList.toggle("dark", on);
  $("dark").setAttribute("aria-pressed", on);
  if (passage.rows.size) histogram();
}

function listenToPassage() {
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
    moved = pressed;
    state.at = place;
    document.documentElement.dataset.pointed = "yes";
    drawMark();
    character();
    if ($("question").value !== "mark" && $("question").value !== "two") firing();
  });
  document.addEventListener("pointerup", () => {
    if (!pressed) return;
    pressed = false;
    if (!moved) state.anchor = -1;
    pointTo(state.at);
  });
}

function listen() {
  document.addEventListener("keydown", key);
  listenToPassage();
  $("layer").addEventListener("change", (event) => show(Number(event.target.value), state.index));
  $("unit").addEventListener("change", (event) => show(state.layer, Math.min(data.units - 1, Math.max(0, Number(event.target.value) || 0))));
  $("previous").addEventListener("click", () => show(state.layer, state.index - 1));
  $("next").addEventListener("click", () => show(state.layer, state.index + 1));
  $("dark").addEventListener("click", KEYS.d);
  $("help-button").addEventListener("click", KEYS["?"]);
  $("question").addEventListener("change", firing);
  $("as-a").addEventListener("click", KEYS.a);
  $("as-b").addEventListener("click", KEYS.b);
  window.addEventListener("hashchange", fromAddress);
}

function listenToTyping() {
  const box = $("box");
  box.addEventListener("input", () => { live.stopTyping(); live.stop(); live.writing = null; live.changed(); live.tellWriting(); });
  document.addEventListener("selectionchange", () => { if (document.activeElement === box && !live.writing) live.cursor(); });
  box.addEventListener("pointermove", (event) => {
    const span = document.elementsFromPoint(event.clientX, event.clientY).find((each) => each.place !== undefined && $("mirror").contains(each));
    if (!span || span.place === state.at || state.anchor >= 0 || live.writing || event.buttons) return;
    pointTo(span.place);
  });
  for (const [id, reads] of [["passage", passage], ["typed", live.typed]]) {
    $(`tab-${id}`).addEventListener("click", () => look(reads));
    $(`tab-${id}`).addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      const other = id === "passage" ? "typed" : "passage";
      look(other === "passage" ? passage : live.typed);
      $(`tab-${other}`).focus();
    });
  }
  $("write").addEventListener("click", () => live.toggleWriting());
  $("take-back").addEventListener("click", () => live.takeBack());
  $("speed").addEventListener("input", () => live.tellSpeed());
  $("another").addEventListener("click", () => { $("seed").value = Math.floor(Math.random() * 1e6); });
  $("hold").addEventListener("click", () => live.toggleHold());
  for (const button of document.querySelectorAll(".keep")) button.addEventListener("click", () => live.keep(Number(button.dataset.stream)));
  live.tellSpeed();
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
  openPassage();
  const model = $("model");
  await unpackValues();
  await unpackGuesses();
  if (model) {
    live = new Live(JSON.parse(model.textContent));
    model.remove(); // its text is in the engine now
    listenToTyping();
  }
  rank();
  offerExamples();
  listen();
  fromAddress();
  firing();
  document.documentElement.dataset.ready = "yes";
}

open();
