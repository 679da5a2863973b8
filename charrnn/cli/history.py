"""`charrnn history`: a run as a table, a curve and what the model wrote at its stages."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from charrnn.cli.common import echo_json, examples, json_option, note
from charrnn.cli.output import RunFolder
from charrnn.errors import counted

if TYPE_CHECKING:
    from charrnn.training.history import History, Sample

STAGES = 5
WIDTH, HEIGHT = 80, 16


@click.command(
    epilog=examples("charrnn history checkpoints/python-lstm", "charrnn history checkpoints/python-lstm --json")
)
@click.argument("run", metavar="RUN", type=RunFolder())
@json_option
def history(run: Path, as_json: bool) -> None:
    """Show a run: its figures as a table, its loss as a curve, and what the model wrote at a few stages.

    RUN is a run folder, of a run that is finished, stopped or still going on. A star marks the best validation.
    "Verbatim" is the part of a sample's 20-character strings that stand in the training text, or where its lines are
    shorter, of the sample's whole lines; "real text" is the same for the validation part, for real text repeats itself
    too. Blank strings do not count.
    """
    from charrnn.training.history import History

    told = History.read(run)
    if as_json:
        _echo(told)
        return
    _show(told)
    if told.overfitting:
        note(str(told.overfitting))


def _echo(told: "History") -> None:
    from dataclasses import asdict

    import msgspec

    echo_json(
        {
            "run": str(told.path),
            "settings": told.settings,
            "log": told.log,
            "samples": msgspec.to_builtins(told.samples),
            "best": told.best and asdict(told.best.figures),
            "budget_used": told.budget_used,
            "overfitting": told.overfitting and asdict(told.overfitting),
        }
    )


def _show(told: "History") -> None:
    from charrnn.display import tables
    from charrnn.display.plot import plot
    from charrnn.display.signs import one_line
    from charrnn.display.terminal import Terminal

    console = Terminal()
    for line in _heading(told):
        console.print(one_line(line), soft_wrap=True)
    console.print()
    console.print(tables.history(told.log))
    console.print()
    for row in plot(told.log, min(console.width, WIDTH), HEIGHT):
        console.print(row, soft_wrap=True)
    for sample in stages(told.samples, STAGES):
        console.print()
        console.print(_stage(sample), style="bold", soft_wrap=True)
        console.print(sample.text, soft_wrap=True)  # a Text would drop a bell


def _heading(told: "History") -> Iterator[str]:
    """What was trained on what, and how far it is."""
    if told.best is None:
        yield f"{told.name}: no checkpoint yet"
        return
    model, corpus, settings = told.best.model, told.best.corpus, told.settings
    yield f"{told.name}: {model.kind} {model.num_layers}×{model.hidden_size}, {model.parameters:,} parameters"
    yield f"on {corpus.name}, " + ", ".join(f"{part} {length:,}" for part, length in corpus.split.items())
    budgets = ((settings.get(f"{name}s"), name) for name in ("minute", "step", "epoch"))
    if budget := next((counted(value, name) for value, name in budgets if value), None):
        yield f"{100 * (told.budget_used or 0):.0f} % of its {budget} used"


def stages(samples: "Sequence[Sample]", count: int) -> "list[Sample]":
    """Return at most so many samples from the first to the last, each so many times as late as the one before."""
    if len(samples) <= count:
        return list(samples)
    first, last = max(1, samples[0].step), samples[-1].step
    wanted = [first * (last / first) ** (place / (count - 1)) for place in range(count)]
    near = {min(range(len(samples)), key=lambda place: abs(samples[place].step - step)) for step in wanted}
    return [samples[place] for place in sorted(near)]


def _stage(sample: "Sample") -> str:
    val = "" if sample.val_nats is None else f", val {sample.val_nats:.3f} nats"
    share = "" if sample.verbatim is None else f", {sample.verbatim}"
    return f"── step {sample.step:,}{val}{share}"
