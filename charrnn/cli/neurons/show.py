"""`charrnn neurons show`: what one or several units do over a passage, highlighted."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.api.limits import CONTEXT
from charrnn.api.result import json_text
from charrnn.cli.common import (
    build_network,
    device_option,
    encode,
    examples,
    load_checkpoint,
    model_argument,
    network_threads_option,
    note,
    part_option,
    progress_bar,
    read_unseen,
    reading_options,
    sources_argument,
)
from charrnn.cli.output import OutputFile, echo_written, form_for
from charrnn.errors import counted
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    import numpy.typing as npt

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
        "charrnn neurons show checkpoints/python-lstm python --unit 0:42 --unit 0:7 --guesses 0 -o units.png",
        "charrnn neurons show checkpoints/python-lstm python --unit 0:42 --signal f -o forget.html",
    )
)
@model_argument
@sources_argument
@click.option(
    "--unit", "units", metavar="L:I", multiple=True,
    help="Layer and index, both from 0; may be repeated: then a row of colours for each stands under the text.",
)  # fmt: skip
@click.option(
    "--feature",
    metavar="NAME",
    help="Instead of --unit: the unit that follows this best; NAME=PATTERN: a regular expression.",
)
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
    type=click.Choice(["terminal", "html", "svg", "png", "json"]),
    help="Default: by the output's name, else terminal.",
)
@click.option("-o", "--output", type=OutputFile(), metavar="FILE", help="The file to write. Default: stdout.")
@click.option(
    "--pager/--no-pager",
    default=True,
    help="Page by page, with $PAGER or less, what is longer than the terminal. Default: yes.",
)
@part_option
@reading_options
@device_option
@network_threads_option
def show(
    model: str, sources: tuple[str, ...], units: tuple[str, ...], feature: str | None, signal: str | None,
    start: int | None, length: int, guesses: int, form: str | None, output: Path | None, pager: bool, part: str,
    reading: Reading, device: str,
) -> None:  # fmt: skip
    """Highlight the values of one unit or several over a passage of SOURCE, on one fixed scale from −1 to 1.

    Blue is negative, red positive; where there is no colour (NO_COLOR, a pipe), marks from ▁ to █ say it. Under each
    character stand the five next ones that the model held most likely. The values of c, and of h in a ReLU network,
    have no bound: they are coloured by their tanh. A page shows at most 20,000 characters, a picture at most 32,000
    dots of height: with five guesses under each, some 170 rows.
    """
    from charrnn.display.highlight import LONGEST
    from charrnn.model.units import Unit
    from charrnn.neurons.recording import default_signal

    if bool(units) == bool(feature):
        raise click.UsageError(f"{'Both' if units else 'Neither'} --unit and --feature are given; give one of them.")
    form, asked = form_for(form, output), length
    length = asked if form in ("terminal", "json") else min(asked, LONGEST)
    checkpoint = load_checkpoint(model)
    signal = signal or default_signal(checkpoint.config)
    wanted = [Unit.parse(unit, checkpoint.config) for unit in dict.fromkeys(units)]
    text, _, before = read_unseen(sources, reading, checkpoint, part)
    ids = encode(checkpoint, text)
    network = build_network(checkpoint, device)
    if feature:
        found, place = _best_unit(network, checkpoint, (before, ids), feature, signal, length)
        wanted, start = [found], place if start is None else start
    start = start or 0
    passage = _passage(checkpoint, network, ids, wanted, signal, start, length, guesses)
    origin = {"model": model, "source": " ".join(sources)}
    _emit(passage, form, output, origin, pager)
    _tell_bound(passage, form, origin, min(asked, len(ids) - start))


def _tell_bound(passage: "_Passage", form: str, origin: dict[str, str], asked: int) -> None:
    from charrnn.display.picture import room

    shown = room(_highlight(passage, origin)) if form in ("png", "svg") else len(passage.text)
    if shown < asked:
        note(
            f"a file in {form} has room for the first {shown:,} of these {asked:,} characters; "
            f"--start {passage.start + shown} shows those that follow, one in .json or .txt all"
        )


def _best_unit(
    network: "CharRNN", checkpoint: "Checkpoint", passage: "tuple[str, Ids]", feature: str, signal: str, length: int
) -> "tuple[Unit, int]":
    """The unit that follows a feature best, and where a passage begins that it was not chosen on and that tells."""
    from charrnn.model.devices import choose_precision
    from charrnn.neurons.columns import recorded_columns
    from charrnn.neurons.features import feature_named
    from charrnn.neurons.passages import telling_passage
    from charrnn.neurons.recording import check_signals
    from charrnn.neurons.search import best_unit

    wanted = feature_named(feature)
    check_signals([signal], checkpoint.config)
    before, scanned = passage[0][-CONTEXT:], passage[1][:SCANNED]
    text = checkpoint.vocabulary.decode(scanned)
    precision = choose_precision(None, network.device)
    with progress_bar(len(scanned), "recording") as bar, recorded_columns(
        network, scanned, [signal], precision, bar.update
    ) as columns:  # fmt: skip
        bar.close()
        found = best_unit(columns, text, wanted, before)
    half = len(text) // 2
    note(
        f"unit {found.unit} follows {feature} best: {found.metric} {found.score:.3f} over {len(text) - half:,} "
        f"characters, chosen on the {half:,} before them"
    )
    return found.unit, telling_passage(text, wanted, length, half, before)


@dataclass(frozen=True)
class _Passage:
    units: "list[Unit]"
    signal: str
    bounded: bool  # to −1 to 1
    start: int
    total: int
    text: str
    values: list[list[float]]  # of each unit
    candidates: "npt.NDArray[Any]"  # ids [T, K] of the likeliest next characters
    chances: "npt.NDArray[Any]"  # [T, K]
    decode: "Callable[[Ids], str]"

    def guesses(self) -> "Iterator[list[tuple[str, float]]]":
        """Yield the likeliest next characters with their chances, one character after the other to save memory."""
        for candidates, chances in zip(self.candidates, self.chances, strict=True):
            yield list(zip(self.decode(candidates), chances.tolist(), strict=True))


def _passage(
    checkpoint: "Checkpoint", network: "CharRNN", ids: "Ids", units: "list[Unit]", signal: str, start: int,
    length: int, guesses: int,
) -> _Passage:  # fmt: skip
    from charrnn.neurons.recording import is_bounded, watch

    watched = watch(network, ids, units, signal, start, start + length, guesses)
    decode, bounded = checkpoint.vocabulary.decode, is_bounded(checkpoint.config, signal)
    text, values = decode(watched.ids), watched.values.tolist()
    return _Passage(
        units, signal, bounded, start, len(ids), text, values, watched.candidates, watched.chances, decode
    )  # fmt: skip


def _emit(passage: _Passage, form: str, output: Path | None, origin: dict[str, str], pager: bool) -> None:
    from charrnn.display import page, terminal

    if form == "json":
        _write(json_text(origin | _as_json(passage)) + "\n", output)
        return
    highlight = _highlight(passage, origin)
    if form == "png":
        _draw(highlight, output)
    elif form == "terminal" and output is None:
        terminal.show(highlight, page=_page if pager and sys.stdout.isatty() else None)
    else:
        _write({"html": page.html, "svg": page.svg, "terminal": terminal.plain}[form](highlight), output)


def _write(content: str, output: Path | None) -> None:
    from charrnn.files import replacing

    if output is None:
        click.echo(content, nl=False)
        return
    with replacing(output) as temporary:
        temporary.write_text(content, encoding="utf-8")
    echo_written(output)


def _draw(highlight: "Highlight", output: Any) -> None:
    from charrnn.display.picture import draw
    from charrnn.files import replacing

    with replacing(output) as temporary:
        tell_missing(draw(highlight, temporary))
    echo_written(output)


def tell_missing(signs: set[str]) -> None:
    """Say which signs could not be drawn."""
    if signs:
        some = " ".join(sorted(signs)[:10]) + (" …" if len(signs) > 10 else "")
        note(
            f"no font here has {some} ({counted(len(signs), 'sign')}), drawn as �; "
            "HTML and SVG show them with the reader's fonts"
        )


def _page(lines: Iterator[str]) -> None:
    """Show lines page by page, as git does; less must let their colours through."""
    less = os.environ.get("LESS")
    os.environ["LESS"] = "-FRX" if less is None else less if "R" in less else f"{less} -R"
    click.echo_via_pager(lines, color=True)


def _as_json(passage: _Passage) -> dict[str, Any]:
    """One unit is told as unit and values, several as units and a list of values for each."""
    units, values = [str(unit) for unit in passage.units], passage.values
    told = {name: getattr(passage, name) for name in ("signal", "bounded", "start", "total", "text")}
    told |= {"unit": units[0], "values": values[0]} if len(units) == 1 else {"units": units, "values": values}
    return told | {"guesses": list(passage.guesses())}


def _highlight(passage: _Passage, origin: dict[str, str]) -> "Highlight":
    import math

    from charrnn.display.highlight import Highlight

    rows = passage.values if passage.bounded else [[math.tanh(value) for value in row] for row in passage.values]
    shown = "tanh(c)" if passage.signal == "tanh_c" else passage.signal
    scale = shown if passage.bounded else f"tanh({shown})"
    names = [str(unit) for unit in passage.units]
    end = passage.start + len(passage.text)
    source = f"{origin['source']}, characters {passage.start:,} to {end:,} of {passage.total:,}"
    if len(names) == 1:
        title, scale = f"Unit {names[0]} of {origin['model']}", f"{scale} of unit {names[0]}"
        return Highlight.of(title, scale, source, passage.text, rows[0], passage.guesses())
    values = dict(zip(names, rows, strict=True))
    return Highlight.stacked(f"Units of {origin['model']}", scale, source, passage.text, values, passage.guesses())
