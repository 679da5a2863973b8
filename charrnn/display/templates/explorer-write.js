// ── writing on, and holding units ─────────────────────────────────────────────────────────────────────────────────
Object.assign(Live.prototype, {
  settings() {
    const number = (id) => ($(id).value.trim() === "" || !$(id).checkValidity() ? null : Number($(id).value));
    return { temperature: number("temperature") ?? 1, topK: number("top-k"), topP: number("top-p") };
  },

  speed() {
    const position = Number($("speed").value);
    return position >= 100 ? Infinity : 2 * 60 ** (position / 99);
  },

  tellSpeed() {
    const speed = this.speed();
    $("speed-told").textContent = speed === Infinity ? "as fast as it goes" : `${Math.round(speed)} a second`;
    if (this.writing) this.post({ what: "speed", speed });
  },

  // Go on from the cursor, or stop.
  toggleWriting() {
    if (this.writing) this.stop();
    else this.write();
  },

  write() {
    if (!this.isReady) return;
    this.stopTyping();
    look(this.typed);
    const box = $("box"), cursor = Array.from(box.value.slice(0, box.selectionEnd)).length, seed = Math.max(0, Math.floor(Number($("seed").value) || 0));
    const key = JSON.stringify([this.text, cursor, seed, this.holds]), goesOn = this.paused === key;
    if (!goesOn || !this.holds.length) this.streams = null;
    this.run = (this.run || 0) + 1;
    this.writing = { at: cursor, from: cursor, seed };
    this.changedFrom(this.idsOf(this.text.slice(0, cursor)).length);
    this.typed.columns.fill(UNREAD, cursor * data.layers * data.units);
    this.post({
      what: "write", run: this.run, ids: this.idsOf(this.text.slice(0, cursor)), holds: this.holds, settings: this.settings(), seed,
      speed: this.speed(), length: Math.min(MOST_WRITTEN, box.maxLength - this.text.length), beginnings: this.beginnings, goesOn,
    });
    if (this.holds.length) this.openVersus(goesOn);
    this.tellWriting();
  },

  stop() {
    if (this.writing) this.post({ what: "stop" });
  },

  hear_wrote({ run, drawn, ended }) {
    if (!this.writing || run !== this.run) return;
    if (drawn.length && this.streams) this.wroteSideBySide(drawn);
    else if (drawn.length) this.wroteOn(drawn);
    if (ended) this.wroteAll();
  },

  wroteOn(drawn) {
    const box = $("box"), { writing } = this, written = drawn.map(({ ids }) => this.characters[ids[0]]);
    box.value = [...this.text.slice(0, writing.at), ...written, ...this.text.slice(writing.at)].join("");
    this.takeText();
    const place = this.where.indexOf(writing.at), levels = joined(drawn.map((each) => each.levels[0]), data.layers * data.units);
    writing.at += written.length;
    const offset = this.text.slice(0, writing.at).join("").length;
    box.setSelectionRange(offset, offset);
    state.at = writing.at - 1;
    this.put(place, drawn.map((each) => each.nats[0]), levels, drawn.map((each) => each.guesses[0]));
    drawMark();
    this.reveal();
    this.tellCost();
  },

  wroteAll() {
    const { writing } = this;
    this.writing = null;
    if (writing.at > writing.from) this.lastWritten = { from: writing.from, to: writing.at, text: this.text };
    this.paused = JSON.stringify([this.text, writing.at, writing.seed, this.holds]);
    this.readAgain(this.idsOf(this.text.slice(0, writing.at)).length);
    this.tellWriting();
  },

  tellWriting() {
    $("write").textContent = this.writing ? "⏸ Pause" : "▶ Write on";
    $("write").setAttribute("aria-pressed", Boolean(this.writing));
    $("take-back").disabled = Boolean(this.writing) || this.lastWritten?.text !== this.text;
  },

  takeBack() {
    const { from, to } = this.lastWritten, offset = this.text.slice(0, from).join("").length;
    $("box").value = [...this.text.slice(0, from), ...this.text.slice(to)].join("");
    $("box").setSelectionRange(offset, offset);
    this.changed();
    this.tellWriting();
  },

  // ── free and held, side by side ─────────────────────────────────────────────────────────────────────────────────
  openVersus(goesOn) {
    $("versus").hidden = false;
    $("held-name").textContent = this.holds.map(({ layer, index, value: at }) => `${name(layer, index)} = ${signed(at)}`).join(", ");
    if (goesOn && this.streams) return;
    this.streams = ["free", "held"].map((id) => ({ box: $(id), text: [], spans: [], levels: [] }));
    for (const { box } of this.streams) box.replaceChildren();
  },

  wroteSideBySide(drawn) {
    const place = state.layer * data.units + state.index;
    this.streams.forEach((stream, n) => {
      const made = drawn.map(({ ids, levels }) => {
        const character = this.characters[ids[n]], span = spanOf(character);
        span.className = paint(levels[n][place]);
        stream.text.push(character);
        stream.levels.push(levels[n]);
        return span;
      });
      stream.spans.push(...made);
      stream.box.append(...made);
      stream.box.scrollTop = stream.box.scrollHeight;
    });
  },

  keep(n) {
    const { streams } = this, box = $("box"), cursor = Array.from(box.value.slice(0, box.selectionEnd)).length;
    this.stop();
    this.writing = null;
    const after = [...this.text.slice(0, cursor), ...streams[n].text];
    box.value = [...after, ...this.text.slice(cursor)].join("");
    box.setSelectionRange(after.join("").length, after.join("").length);
    this.streams = null;
    $("versus").hidden = true;
    this.changed();
    this.lastWritten = { from: cursor, to: after.length, text: this.text };
    this.tellWriting();
  },

  // ── holding ─────────────────────────────────────────────────────────────────────────────────────────────────────
  toggleHold() {
    const held = this.holds.some(isHeld);
    this.setHolds(held ? this.holds.filter((hold) => !isHeld(hold)) : [...this.holds, { layer: state.layer, index: state.index, value: 0.9 }]);
    look(this.typed);
    this.drawHolds();
    say(`unit ${name(state.layer, state.index)} is ${held ? "free" : "held at 0.9"}`);
  },

  setHolds(holds) {
    this.stop();
    this.holds = holds;
    this.typed.resize(this.text.length, 0);
    this.typed.surprisal = [];
    this.readAgain(0, true);
    if (reading === this.typed) colour();
    this.unitChanged();
    if (!holds.length) {
      $("versus").hidden = true;
      this.streams = null;
    }
  },

  drawHolds() {
    $("holds").replaceChildren(...this.holds.map((hold, n) => {
      const row = element("div", "row hold"), slider = element("input"), output = element("output", "", signed(hold.value)), free = element("button", "", "Let go");
      const unit = name(hold.layer, hold.index);
      Object.assign(slider, { type: "range", min: this.lowest, max: this.highest, step: 0.05, value: hold.value });
      slider.setAttribute("aria-label", `Value of unit ${unit}`);
      slider.addEventListener("input", () => {
        output.textContent = signed(Number(slider.value));
        this.setHolds(this.holds.map((each, k) => (k === n ? { ...each, value: Number(slider.value) } : each)));
      });
      free.type = "button";
      free.setAttribute("aria-label", `Let go of unit ${unit}`);
      free.addEventListener("click", () => { this.setHolds(this.holds.filter((_, k) => k !== n)); this.drawHolds(); });
      row.append(choice(hold.layer, hold.index, unit), slider, output, free);
      return row;
    }));
  },
});
