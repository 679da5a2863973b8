"""`charrnn neurons show`: one unit's values over a passage, highlighted."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from charrnn.cli.common import (
    build_network,
    device_option,
    encode,
    examples,
    load_checkpoint,
    model_argument,
    note,
    part_option,
    read_unseen,
    reading_options,
    sources_argument,
)
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.display.highlight import Highlight
    from charrnn.model.checkpoint import Checkpoint
    from charrnn.model.network import CharRNN
    from charrnn.model.units import Unit
    from charrnn.text.corpus import Ids

SCANNED = 60_000  # characters over which a unit is looked for; fewer may hold too little of a feature


@click.command(
    epilog=examples(
        "charrnn neurons show checkpoints/python-lstm python --unit 0:42",
        "charrnn neurons show checkpoints/python-lstm python --part val --feature python_comment_or_string",
        "charrnn neurons show checkpoints/python-lstm python --unit 0:42 --signal f -o forget.html",
    )
)
@model_argument
@sources_argument
@click.option("--unit", metavar="L:I", help="Layer and index, both from 0.")
@click.option("--feature", metavar="NAME", help="Instead of --unit: the unit that follows this best.")
@click.option("--signal", metavar="NAME", help="Such as h, c, tanh_c or a gate. Default: tanh_c for LSTMs, else h.")
@click.option(
    "--start",
    type=click.IntRange(0),
    metavar="N",
    help="Where in the text to begin. Default: 0; with --feature, where it changes.",
)
@click.option("--length", type=click.IntRange(1), default=600, show_default=True, help="Characters to show.")
@click.option(
    "--guesses", type=click.IntRange(0, 20), default=5, show_default=True, help="Likeliest next characters under each."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "html", "svg", "json"]),
    help="Default: by the output's name, else terminal.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="The file to write. Default: stdout."
)
@part_option
@reading_options
@device_option
def show(
    model: str, sources: tuple[str, ...], unit: str | None, feature: str | None, signal: str | None,
    start: int | None, length: int, guesses: int, form: str | None, output: Path | None, part: str,
    reading: Reading, device: str,
) -> None:  # fmt: skip
    """Highlight one unit's values over a passage of SOURCE, on one fixed scale from −1 to 1.

    Blue is negative, red positive. Under each character stand the five next ones that the model held most likely. The
    values of c, and of h in a ReLU network, have no bound: they are coloured by their tanh.
    """
    from charrnn.model.units import Unit
    from charrnn.neurons.recording import default_signal

    if (unit is None) == (feature is None):
        raise click.UsageError(f"{'Both' if unit else 'Neither'} --unit and --feature are given; give one of them.")
    form = form or {".html": "html", ".svg": "svg", ".json": "json"}.get(output.suffix if output else "", "terminal")
    checkpoint = load_checkpoint(model)
    signal = signal or default_signal(checkpoint.config)
    wanted = Unit.parse(unit, checkpoint.config) if unit else None
    text, _, before = read_unseen(sources, reading, checkpoint, part)
    ids = encode(checkpoint, text)
    network = build_network(checkpoint, device)
    if wanted is None:
        wanted, place = _best_unit(network, checkpoint, (before, ids), str(feature), signal, length)
        start = place if start is None else start
    passage = _passage(checkpoint, network, ids, wanted, signal, start or 0, length, guesses)
    _emit(passage, form, output, {"model": model, "source": " ".join(sources)})


def _best_unit(
    network: "CharRNN", checkpoint: "Checkpoint", passage: "tuple[str, Ids]", feature: str, signal: str, length: int
) -> "tuple[Unit, int]":
    """The unit that follows a feature best, and where a passage begins that it was not chosen on and that tells."""
    from charrnn.neurons.columns import recorded_columns
    from charrnn.neurons.features import feature_named
    from charrnn.neurons.passages import telling_passage
    from charrnn.neurons.recording import check_signals
    from charrnn.neurons.search import best_unit

    wanted = feature_named(feature)
    check_signals([signal], checkpoint.config)
    before, scanned = passage[0], passage[1][:SCANNED]
    text = checkpoint.vocabulary.decode(scanned)
    with recorded_columns(network, scanned, [signal]) as columns:
        found = best_unit(columns, text, wanted, before)
    half = len(text) // 2
    note(
        f"unit {found.unit} follows {feature} best: {found.metric} {found.score:.3f} over {len(text) - half:,} "
        f"characters, chosen on the {half:,} before them"
    )
    return found.unit, telling_passage(text, wanted, length, half, before)


@dataclass(frozen=True)
class _Passage:
    unit: "Unit"
    signal: str
    bounded: bool  # to −1 to 1
    start: int
    total: int
    text: str
    values: list[float]
    guesses: list[list[tuple[str, float]]]


def _passage(
    checkpoint: "Checkpoint", network: "CharRNN", ids: "Ids", unit: "Unit", signal: str, start: int, length: int,
    guesses: int,
) -> _Passage:  # fmt: skip
    from charrnn.neurons.recording import is_bounded, record

    recording = record(network, ids, [signal], start, start + length, guesses)
    decode = checkpoint.vocabulary.decode
    rows = [
        list(zip(decode(candidates), map(float, chances), strict=True))
        for candidates, chances in zip(recording.candidates, recording.chances, strict=True)
    ]
    values = recording.values(unit, signal).tolist()
    bounded = is_bounded(checkpoint.config, signal)
    return _Passage(unit, signal, bounded, start, len(ids), decode(recording.ids), values, rows)


def _emit(passage: _Passage, form: str, output: Path | None, origin: dict[str, str]) -> None:
    from charrnn.display import page, terminal
    from charrnn.files import replacing

    if form == "json":
        content = json.dumps(origin | asdict(passage) | {"unit": str(passage.unit)}, ensure_ascii=False) + "\n"
    else:
        highlight = _highlight(passage, origin)
        if form == "terminal" and output is None:
            terminal.show(highlight)
            return
        content = {"html": page.html, "svg": page.svg, "terminal": terminal.plain}[form](highlight)
    if output is None:
        click.echo(content, nl=False)
        return
    with replacing(output) as temporary:
        temporary.write_text(content, encoding="utf-8")
    click.echo(f"wrote {output}")


def _highlight(passage: _Passage, origin: dict[str, str]) -> "Highlight":
    import math

    from charrnn.display.highlight import Highlight

    values = passage.values if passage.bounded else [math.tanh(value) for value in passage.values]
    shown = "tanh(c)" if passage.signal == "tanh_c" else passage.signal
    return Highlight.of(
        title=f"Unit {passage.unit} of {origin['model']}",
        scale=f"{shown if passage.bounded else f'tanh({shown})'} of unit {passage.unit}",
        source=f"{origin['source']}, characters {passage.start:,} to {passage.start + len(passage.text):,} "
        f"of {passage.total:,}",
        text=passage.text,
        values=values,
        guesses=passage.guesses,
    )
