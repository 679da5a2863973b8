"""`charrnn neurons explore`: one offline page in which every unit's values over a passage can be looked at."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from charrnn.api.limits import SHORTEST_SEARCH
from charrnn.cli.common import (
    build_network,
    device_option,
    encode,
    examples,
    load_checkpoint,
    model_argument,
    network_threads_option,
    read_unseen,
    reading_options,
    sources_argument,
    unseen_part_option,
)
from charrnn.cli.output import PAGE, echo_written
from charrnn.errors import counted
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.display.explorer import Explorer, Ranked
    from charrnn.model.checkpoint import Checkpoint
    from charrnn.model.network import CharRNN
    from charrnn.model.units import Unit
    from charrnn.neurons.search import Finding
    from charrnn.text.corpus import Ids


@click.command(
    epilog=examples(
        "charrnn neurons explore kernel - < file.c",
        "charrnn neurons explore checkpoints/python-lstm python -o python.html",
        "charrnn neurons explore checkpoints/python-lstm python --unit 0:42 --start 20000",
    )
)
@model_argument
@sources_argument
@click.option(
    "-o", "--output", type=PAGE, default="explore.html", show_default=True, metavar="PAGE.html",
    help="The page to write.",
)  # fmt: skip
@click.option("--unit", metavar="L:I", help="The unit that the page opens at. Default: the best single one.")
@click.option(
    "--start", type=click.IntRange(0), metavar="N",
    help="Where the passage begins. Default: a line of the text on which the scores were measured.",
)  # fmt: skip
@click.option("--length", type=click.IntRange(1, 20_000), default=4000, show_default=True, help="Characters of it.")
@click.option(
    "--characters", type=click.IntRange(SHORTEST_SEARCH), default=60_000, show_default=True,
    help="Read that many to rank the features, as `neurons find` does.",
)  # fmt: skip
@unseen_part_option
@reading_options
@device_option
@network_threads_option
def explore(
    model: str, sources: tuple[str, ...], output: Path, unit: str | None, start: int | None, length: int,
    characters: int, part: str | None, reading: Reading, device: str,
) -> None:  # fmt: skip
    """Write a page to play with: choose a unit by the arrow keys, see a passage of SOURCE coloured by it.

    The page is one file, needs nothing else, and asks nothing of anywhere. It ranks the features that fit the text,
    each with its best unit, as `neurons find` measures them. It shows a character's value, gates, surprisal and the
    five next ones that the model held likeliest; a unit's histogram and strongest passages; and which units fire on a
    passage that is marked. Its address keeps the unit: PAGE.html#0:42.
    """
    from charrnn.display.explorer import MOST, html
    from charrnn.errors import ConfigError
    from charrnn.files import replacing
    from charrnn.model.units import Unit

    checkpoint = load_checkpoint(model)
    opens = Unit.parse(unit, checkpoint.config) if unit else None
    units = checkpoint.config.num_layers * checkpoint.config.hidden_size
    if units * length > MOST:
        most = MOST // units
        raise ConfigError(
            f"a page of {units:,} units has room for {most:,} characters", f"give --length {most} or less"
        )
    text, _, before = read_unseen(sources, reading, checkpoint, part)
    ids = encode(checkpoint, text)
    if len(ids) < 2:
        raise ConfigError(f"the text has {counted(len(ids), 'character')} that the model knows", "give a longer text")
    begins = _line_in_the_second_half(checkpoint, ids[:characters], length) if start is None else start
    if begins >= len(ids):
        raise ConfigError(f"the text has {len(ids):,} characters, none from {begins:,} on", "choose a lower --start")
    network = build_network(checkpoint, device)
    findings = _findings(network, checkpoint, ids[:characters], before)
    opens = opens or (findings[0].unit if findings else Unit(0, 0))
    origin = {"model": model, "source": " ".join(sources)}
    page = html(_explorer(checkpoint, network, ids, begins, length, findings, opens, origin))
    with replacing(output) as temporary:
        temporary.write_text(page, encoding="utf-8")
    echo_written(output, f" ({len(page.encode()) / 1e6:.1f} MB)")


def _findings(network: "CharRNN", checkpoint: "Checkpoint", ids: "Ids", before: str) -> "list[Finding]":
    """What `find` finds, the surest first; nothing where the text is too short to say."""
    from charrnn.api.find import features_wanted, search_units
    from charrnn.cli.common import FEEDBACK, note
    from charrnn.neurons.recording import default_signal

    if len(ids) < SHORTEST_SEARCH:
        note(f"the text is too short to rank features over: that takes {SHORTEST_SEARCH:,} characters")
        return []
    text = checkpoint.vocabulary.decode(ids)
    wanted, _ = features_wanted(text, (), (), None, FEEDBACK)
    signal = default_signal(checkpoint.config)
    found = search_units(network, ids, text, before, wanted, [signal], 0, FEEDBACK)
    return sorted(
        (each for each in found if not isinstance(each, str)),
        key=lambda each: (each.verdict != "single unit", -each.gain),
    )


def _line_in_the_second_half(checkpoint: "Checkpoint", ids: "Ids", length: int) -> int:
    """Where a line begins after the middle, if the passage still fits there."""
    last = max(0, len(ids) - length)
    middle = min(len(ids) // 2, last)
    newline = checkpoint.vocabulary.decode(ids[middle:last]).find("\n")
    return middle + newline + 1 if newline >= 0 else middle


def _explorer(
    checkpoint: "Checkpoint", network: "CharRNN", ids: "Ids", start: int, length: int, findings: "list[Finding]",
    opens: "Unit", origin: dict[str, str],
) -> "Explorer":  # fmt: skip
    import numpy as np

    from charrnn.display.explorer import Explorer
    from charrnn.model.cells import gate_names
    from charrnn.neurons.recording import default_signal, is_bounded, record, surprisals

    config = checkpoint.config
    signal, gates = default_signal(config), gate_names(config)
    recording = record(network, ids, [signal, *gates], start, start + length)
    values, decode = recording.signals[signal], checkpoint.vocabulary.decode
    bounded = is_bounded(config, signal)
    shown = "tanh(c)" if signal == "tanh_c" else signal
    stop = start + len(recording.ids)
    return Explorer(
        title=origin["model"],
        scale=shown if bounded else f"tanh({shown})",
        source=f"{origin['source']}, characters {start:,} to {stop:,} of {len(ids):,}",
        text=decode(recording.ids),
        values=values if bounded else np.tanh(values),
        gates={name: recording.signals[name] for name in gates},
        signed=("g", "n"),
        surprisal=surprisals(network, ids, start, stop),
        guesses=[
            list(zip(decode(candidates), map(float, chances), strict=True))
            for candidates, chances in zip(recording.candidates, recording.chances, strict=True)
        ],
        ranked=[_ranked(each) for each in findings],
        opens=(opens.layer, opens.index),
    )


def _ranked(finding: "Finding") -> "Ranked":
    from charrnn.display.explorer import Ranked

    return Ranked(
        finding.feature, finding.unit.layer, finding.unit.index, finding.metric, finding.score, finding.surface_score,
        finding.layer_score, finding.verdict,
    )  # fmt: skip
