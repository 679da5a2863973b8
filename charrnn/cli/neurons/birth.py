"""`charrnn neurons compare RUN`: when the unit was born that follows a feature in the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.api.limits import CONTEXT, SHORTEST_SEARCH
from charrnn.cli.common import (
    build_network,
    echo_json,
    encode,
    load_checkpoint,
    progress_bar,
    read_unseen,
)
from charrnn.cli.output import echo_written
from charrnn.errors import counted
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.neurons.birth import Birth
    from charrnn.neurons.columns import Columns

WIDTH = 26  # of a bar


def show_birth(
    run: str, passage: tuple[str, Reading, str | None, int], feature: str, signal: str, device: str,
    output: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Tell how a feature came to be followed, stage by stage of a run that kept its checkpoints."""
    from charrnn.model.devices import choose_precision
    from charrnn.neurons.birth import birth
    from charrnn.neurons.columns import recorded_columns
    from charrnn.neurons.features import feature_named

    stages = _stages(run)
    source, reading, wanted, characters = passage
    last = load_checkpoint(str(stages[max(stages)]))
    text, part, before = read_unseen((source,), reading, last, wanted)
    ids = encode(last, text)
    text = last.vocabulary.decode(ids)
    ids, before, text = ids[-characters:], before + text[:-characters], text[-characters:]
    _check_length(text)
    val_nats: dict[int, float | None] = {}

    @contextmanager
    def recorded(step: int) -> "Iterator[Columns]":
        checkpoint = load_checkpoint(str(stages[step]))
        val_nats[step] = checkpoint.header.figures.val_nats
        network = build_network(checkpoint, device)
        with recorded_columns(network, ids, [signal], choose_precision(None, network.device), bar.update) as columns:
            yield columns

    with progress_bar(len(stages) * len(ids), "recording") as bar:
        found = birth(list(stages), recorded, ids, text, feature_named(feature), before[-CONTEXT:])
    told = {"run": run, "source": source, "part": part, "characters": len(ids), "feature": feature}
    told |= _as_json(found, val_nats)
    if output:
        _draw(told, output)
    if as_json:
        echo_json(told)
        return
    _show(told)
    if output:
        echo_written(output)


def _stages(run: str) -> dict[int, Path]:
    from charrnn.errors import CheckpointError
    from charrnn.model.checkpoint import stages
    from charrnn.model.shipped import run_folder
    from charrnn.training.history import LOG, no_run

    folder = run_folder(Path(run))
    paths = stages(folder)
    if not (paths or (folder / LOG).is_file()):
        raise no_run(folder)
    if not paths:
        raise CheckpointError(
            f"{run} has kept no model of its stages", "train with --keep-checkpoints, or compare two models"
        )
    return paths


def _check_length(text: str) -> None:
    from charrnn.errors import ConfigError

    if len(text) < SHORTEST_SEARCH:
        known = counted(len(text), "character")
        raise ConfigError(f"the text has {known} that the model knows", f"give {SHORTEST_SEARCH:,} or more")


def _as_json(found: "Birth", val_nats: dict[int, float | None]) -> dict[str, Any]:
    stages = [
        {
            "step": stage.step,
            "val_nats": val_nats[stage.step],
            "best_unit": str(stage.best.unit),
            "best_score": stage.best.score,
            "score": stage.score,
        }
        for stage in found.stages
    ]
    return {
        "unit": str(found.unit),
        "signal": found.signal,
        "metric": found.metric,
        "surface_score": found.surface_score,
        "born": found.born,
        "stages": stages,
    }


def _show(told: dict[str, Any]) -> None:
    from charrnn.display.birth import bar
    from charrnn.display.signs import one_line

    stages, chance, unit = told["stages"], 0.5 if told["metric"] == "AUC" else 0.0, told["unit"]
    part = f", {told['part']} part" if told["part"] != "all" else ""
    click.echo(one_line(f"{told['feature']}, over {told['characters']:,} characters of {told['source']}{part}"))
    surface = f"the last five characters alone tell {told['surface_score']:.2f}"
    click.echo(f"{told['metric']} of {told['signal']}; chance is {chance:g}, {surface}\n")
    click.echo(f"{'step':>9}  {'val nats':>8}  {'best unit then':>15}  unit {unit}")
    for stage in stages:
        val = "" if stage["val_nats"] is None else f"{stage['val_nats']:.3f}"
        best = f"{stage['best_unit']} {stage['best_score']:6.2f}"
        own = f"{stage['score']:.2f} {bar(stage['score'], chance, WIDTH)}"
        click.echo(f"{stage['step']:9,}  {val:>8}  {best:>15}  {own}".rstrip())
    click.echo(f"\n{_verdict(unit, told['born'])}")


def _verdict(unit: str, born: int | None) -> str:
    if born is None:
        return f"Unit {unit} was not born: in the end it is no better than the last five characters."
    return (
        f"Unit {unit} was born by step {born:,}: since then it is better than the last five\n"
        "characters, and has at least half of what it ends with."
    )


def _draw(told: dict[str, Any], output: Path) -> None:
    from charrnn.display.birth import draw
    from charrnn.display.figures import form_of
    from charrnn.files import replacing

    stages = told["stages"]
    curves = {
        f"unit {told['unit']}": [stage["score"] for stage in stages],
        "the best unit then": [stage["best_score"] for stage in stages],
    }
    title = f"{told['feature']} in {told['run']}, over {told['source']}"
    with replacing(output) as temporary:
        steps, form = [stage["step"] for stage in stages], form_of(output)
        draw(steps, curves, told["surface_score"], told["metric"], title, temporary, form)
