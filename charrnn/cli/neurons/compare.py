"""`charrnn neurons compare`: which units of several models do the same."""

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.api.limits import SHORTEST_SEARCH
from charrnn.cli.common import (
    build_network,
    device_option,
    echo_json,
    examples,
    json_option,
    load_checkpoint,
    network_threads_option,
    progress_bar,
    read_sources,
    reading_options,
    say,
)
from charrnn.cli.neurons.birth import show_birth
from charrnn.cli.output import PICTURE, spare_inputs
from charrnn.display.signs import one_line
from charrnn.errors import counted
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.neurons.columns import Columns
    from charrnn.text.corpus import Ids


OF_MODELS, OF_A_RUN = 20_000, 60_000  # characters


@click.command(
    epilog=examples(
        "charrnn neurons compare checkpoints/a checkpoints/b shakespeare",
        "charrnn neurons compare checkpoints/a/last.safetensors checkpoints/a python --feature line_position",
        "charrnn train python --keep-checkpoints --out checkpoints/kept",
        "charrnn neurons compare checkpoints/kept python --feature python_string -o born.png",
    )
)
@click.argument("names", nargs=-1, required=True, metavar="{MODEL MODEL... | RUN} SOURCE", callback=spare_inputs)
@click.option(
    "--feature",
    metavar="NAME",
    help="Tell for each model, or each stage, which unit follows it; NAME=PATTERN: a regular expression.",
)
@click.option("--signal", metavar="NAME", default="h", show_default=True, help="Such as h, c, tanh_c or a gate.")
@click.option(
    "--characters", type=click.IntRange(SHORTEST_SEARCH), metavar="N",
    help="Read that many, from the text's end, which models hardly see. Default: 20,000; for a run's stages 60,000.",
)  # fmt: skip
@click.option("--count", type=click.IntRange(0), default=10, show_default=True, help="Pairs of units to show.")
@click.option("-o", "--output", type=PICTURE, metavar="PICTURE.png", help="Draw the scores over the stages.")
@click.option(
    "--part", type=click.Choice(["all", "train", "val", "test"]),
    help="For a run's stages: which part of the text. Default: of the run's own text the test part, else all.",
)  # fmt: skip
@reading_options
@device_option
@network_threads_option
@json_option
def compare(
    names: tuple[str, ...], feature: str | None, signal: str, characters: int | None, count: int, output: Path | None,
    part: str | None, reading: Reading, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Match the units of each MODEL with those of the next one by their correlation over SOURCE.

    With --feature it tells which unit of each follows that best. Only characters that every model knows are read.

    Of a single RUN that kept the models of its stages (train --keep-checkpoints), it tells when the unit was born that
    follows --feature in the end: its score at each stage, beside that of the unit that was best at the time. It is born
    once it is better than the last five characters alone and has half of its final score, and stays so.
    """
    *models, source = names
    if len(models) == 1 and feature:
        show_birth(models[0], (source, reading, part, characters or OF_A_RUN), feature, signal, device, output, as_json)
        return
    if len(models) < 2:
        raise click.UsageError("Give two models or more and a text, or one run, a text and a --feature.")
    if output or part:
        raise click.UsageError("--output and --part are for the stages of one run.")
    with ExitStack() as stack:
        recorded = _record_each(stack, tuple(models), (source, reading, characters or OF_MODELS), signal, device)
        told = [_match(first, second) for first, second in pairwise(recorded)]
        scores = [_follow(each, feature) for each in recorded] if feature else []
    if as_json:
        echo_json({"source": source, "characters": len(recorded[0].text), "matches": told, "scores": scores})
        return
    for each in told:
        _show_match(each, count)
    for score in scores:
        figures = f"{score['metric']} {score['score']:.3f} (last 5 {score['surface_score']:.3f})"
        click.echo(one_line(f"{feature}  {figures}  unit {score['unit']:>6}  {score['model']}"))


@dataclass(frozen=True)
class _Recorded:
    model: str
    before: str
    text: str
    ids: "Ids"
    columns: "Columns"


def _record_each(
    stack: ExitStack, models: tuple[str, ...], passage: tuple[str, Reading, int], signal: str, device: str
) -> list[_Recorded]:
    """Record the passage's characters that all models know with each of them, for as long as the stack is open."""
    from charrnn.errors import VocabularyError
    from charrnn.model.devices import choose_precision
    from charrnn.neurons.columns import recorded_columns

    source, reading, characters = passage
    checkpoints = [load_checkpoint(model) for model in models]
    text = read_sources((source,), reading).characters
    for checkpoint in checkpoints:
        text = checkpoint.vocabulary.known(text)
    before, text = text[:-characters], text[-characters:]
    if len(text) < SHORTEST_SEARCH:
        known = counted(len(text), "character")
        raise VocabularyError(f"the text has {known} that all models know", f"give {SHORTEST_SEARCH:,} or more")
    recorded = []
    for model, checkpoint in zip(models, checkpoints, strict=True):
        network, ids = build_network(checkpoint, device), checkpoint.vocabulary.encode(text)
        precision = choose_precision(None, network.device)
        with progress_bar(len(text), "recording") as bar:
            columns = stack.enter_context(recorded_columns(network, ids, [signal], precision, bar.update))
        recorded.append(_Recorded(model, before, text, ids, columns))
    return recorded


def _match(first: _Recorded, second: _Recorded) -> dict[str, Any]:
    from charrnn.neurons.matching import pairs

    told = [
        {
            "first": str(first.columns.unit(pair.first)[1]),
            "second": str(second.columns.unit(pair.second)[1]),
            "correlation": pair.correlation,
        }
        for pair in pairs(first.columns.values, second.columns.values)
    ]
    return {"models": [first.model, second.model], "pairs": told}


def _follow(recorded: _Recorded, feature: str) -> dict[str, Any]:
    """Which unit follows a feature, chosen on the first half of the text and measured on the second."""
    from charrnn.neurons.features import feature_named
    from charrnn.neurons.search import best_unit, surface_score

    wanted, before = feature_named(feature), recorded.before
    found = best_unit(recorded.columns, recorded.text, wanted, before)
    told = {"feature": feature, "unit": str(found.unit), "score": found.score, "metric": found.metric}
    surface = surface_score(recorded.ids, recorded.text, wanted, before)
    return {"model": recorded.model, **told, "surface_score": surface}


def _show_match(match: dict[str, Any], count: int) -> None:
    first, second = match["models"]
    r = [abs(pair["correlation"]) for pair in match["pairs"]]
    shares = ", ".join(f"{sum(x >= least for x in r)} at |r| ≥ {least}" for least in (0.9, 0.7, 0.5))
    say(one_line(f"{first} and {second}: {counted(len(r), 'pair')} of units, {shares}"))
    for pair in match["pairs"][:count]:
        click.echo(f"  {pair['first']:>7}  {pair['second']:>7}  r {pair['correlation']:+.3f}")
