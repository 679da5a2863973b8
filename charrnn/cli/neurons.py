"""`charrnn neurons`: what single units do."""

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
    progress_bar,
    read_text,
    reading_options,
    sources_argument,
)
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.display.highlight import Highlight
    from charrnn.model.checkpoint import Checkpoint
    from charrnn.model.network import CharRNN
    from charrnn.neurons.recording import Unit
    from charrnn.text.corpus import Ids

SCANNED = 60_000  # characters over which a unit is looked for; fewer may hold too little of a feature


@click.group(epilog=examples("charrnn neurons show checkpoints/python-lstm-1x384 python --unit 0:42"))
def neurons() -> None:
    """See what single units do over a text."""


@neurons.command(
    epilog=examples(
        "charrnn neurons dump checkpoints/python-lstm-1x384 python --part test -o units.npz",
        "charrnn neurons dump checkpoints/python-lstm-1x384 python --part val -o gates.npz --signals c,i,f,o,g",
    )
)
@model_argument
@sources_argument
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="OUT.npz", help="The file to write."
)
@click.option("--signals", metavar="NAMES", help="Such as h,c,i,f,o,g (LSTM) or h,r,z,n (GRU). Default: the state.")
@click.option(
    "--dtype", type=click.Choice(["float16", "float32"]), default="float16", show_default=True, help="Of the values."
)
@part_option
@reading_options
@device_option
def dump(
    model: str, sources: tuple[str, ...], output: Path, signals: str | None, dtype: str, part: str,
    reading: Reading, device: str,
) -> None:  # fmt: skip
    """Write every unit's values at every character of SOURCE to one .npz file.

    It holds the ids "text" [T], an array [L, T, H] for each signal (L layers, H units), and "meta", a JSON string
    that names the model, the text and the vocabulary.
    """
    from charrnn.model.cells import state_names
    from charrnn.neurons.dump import write

    checkpoint = load_checkpoint(model)
    ids = encode(checkpoint, read_text(sources, reading, checkpoint, part))
    names = signals.split(",") if signals else list(state_names(checkpoint.config))
    meta = {
        "model": model,
        "source": list(sources),
        "part": part,
        "signals": names,
        "config": {name: getattr(checkpoint.config, name) for name in ("cell", "num_layers", "hidden_size")},
        "vocabulary": checkpoint.vocabulary.characters,
    }
    with progress_bar(len(ids), "recording") as bar:
        write(output, build_network(checkpoint, device), ids, names, dtype, meta, on_read=bar.update)
    click.echo(
        f"{output}: {', '.join(names)} of {checkpoint.config.num_layers}×{checkpoint.config.hidden_size} units "
        f"at {len(ids):,} characters"
    )


@neurons.command(
    epilog=examples(
        "charrnn neurons show checkpoints/python-lstm-1x384 python --unit 0:42",
        "charrnn neurons show checkpoints/python-lstm-1x384 python --part val --feature python_comment_or_string",
        "charrnn neurons show checkpoints/python-lstm-1x384 python --unit 0:42 --signal f -o forget.html",
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
    from charrnn.neurons.recording import Unit, default_signal

    if (unit is None) == (feature is None):
        raise click.UsageError(f"{'Both' if unit else 'Neither'} --unit and --feature are given; give one of them.")
    form = form or {".html": "html", ".svg": "svg", ".json": "json"}.get(output.suffix if output else "", "terminal")
    checkpoint = load_checkpoint(model)
    signal = signal or default_signal(checkpoint.config)
    wanted = Unit.parse(unit, checkpoint.config) if unit else None
    ids = encode(checkpoint, read_text(sources, reading, checkpoint, part))
    network = build_network(checkpoint, device)
    if wanted is None:
        wanted, place = _best_unit(network, checkpoint, ids, str(feature), signal, length)
        start = place if start is None else start
    passage = _passage(checkpoint, network, ids, wanted, signal, start or 0, length, guesses)
    _emit(passage, form, output, {"model": model, "source": " ".join(sources)})


def _best_unit(
    network: "CharRNN", checkpoint: "Checkpoint", ids: "Ids", feature: str, signal: str, length: int
) -> "tuple[Unit, int]":
    """The unit that follows a feature best, and where a passage begins that it was not chosen on and that tells."""
    from charrnn.neurons.features import feature_named
    from charrnn.neurons.ranking import best_unit, telling_passage
    from charrnn.neurons.recording import record

    wanted = feature_named(feature)
    scanned = ids[:SCANNED]
    text = checkpoint.vocabulary.decode(scanned)
    found = best_unit(record(network, scanned, [signal]), signal, wanted, text)
    note(
        f"unit {found.unit} follows {feature} best: {found.metric} {found.score:.3f} over {found.measured_on:,} "
        f"characters, chosen on the {found.chosen_on:,} before them"
    )
    return found.unit, telling_passage(text, wanted, length, found.chosen_on)


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
