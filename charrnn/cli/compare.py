"""`charrnn compare`: runs side by side, in figures and in one picture."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.common import echo_json, examples, json_option, note
from charrnn.cli.output import PICTURE, RunFolder

if TYPE_CHECKING:
    from charrnn.training.history import History

MARKED = ("val_nats", "test_nats", "chars_per_second")
WIDTH = 80  # columns of the curves at most
_OF_THE_TEXT = ("val_nats", "test_nats")  # what can only be compared on the same text, split the same way


@click.command(
    epilog=examples(
        "charrnn compare checkpoints/python-lstm checkpoints/python-gru",
        "charrnn compare checkpoints/* --output runs.png",
        "charrnn compare checkpoints/python-* --json",
    )
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=RunFolder())
@click.option(
    "-o", "--output", type=PICTURE, metavar="PICTURE.png",
    help="Draw their losses, against time and against epochs, in one picture.",
)  # fmt: skip
@json_option
def compare(runs: tuple[Path, ...], output: Path | None, as_json: bool) -> None:
    """Show runs side by side: figures, the best of each with a star, the settings in which they differ, and curves.

    RUN is a run folder; a run that was stopped or still goes on is compared by its best checkpoint so far, and "used"
    says how much of its budget that took. Losses are of the best checkpoint. Where texts or splits differ, losses are
    of different characters: a note says so, and none of them is marked as best.
    """
    from charrnn.training.history import History

    told = [History.read(run) for run in runs]
    names = _names(told)
    reasons = _incomparable(told)
    for reason in reasons:
        note(f"{reason}; their losses cannot be compared")
    if output is not None:
        _draw(told, names, output)
    marked = [name for name in MARKED if not (reasons and name in _OF_THE_TEXT)]
    rows = [{**_figures(each), "run": name} for each, name in zip(told, names, strict=True)]
    if as_json:
        runs_told = [{**row, "run": str(each.path), "text": each.text} for row, each in zip(rows, told, strict=True)]
        echo_json({"runs": runs_told, "settings": _differing(told), "comparable": not reasons, "why_not": reasons})
    else:
        _show(told, names, rows, marked)


def _names(told: "Sequence[History]") -> list[str]:
    """What to call each run: its folder's name, or the whole path where names are not distinct."""
    counts = Counter(each.name for each in told)
    return [each.name if counts[each.name] == 1 else str(each.path) for each in told]


def _differing(told: "Sequence[History]") -> dict[str, list[Any]]:
    """The settings in which the runs differ, each with the runs' values in their order; None where it has none."""
    names = dict.fromkeys(name for each in told for name in each.settings)
    values = {name: [each.settings.get(name) for each in told] for name in names}
    return {name: of_runs for name, of_runs in values.items() if any(value != of_runs[0] for value in of_runs)}


def _incomparable(told: "Sequence[History]") -> list[str]:
    """Why the runs' losses are not of the same characters; empty where they are."""
    texts = [each.best.corpus for each in told if each.best is not None]
    reasons = []
    if len({text.sha256 for text in texts}) > 1:
        named = dict.fromkeys(f"{text.name} (SHA-256 {text.sha256[:8]})" for text in texts)
        reasons.append(f"the runs' texts differ: {', '.join(named)}")
    elif len({tuple(text.split.items()) for text in texts}) > 1:
        splits = dict.fromkeys(", ".join(f"{part} {n:,}" for part, n in text.split.items()) for text in texts)
        reasons.append(f"the runs' splits differ: {' / '.join(splits)}")
    older = [each.name for each in told if each.best is not None and each.best.corpus.leaves_folded_out]
    if older and len(told) > 1:
        reasons.append(f"an older charrnn left out what the rare characters cost in {', '.join(older)}")
    unknown = [each.name for each in told if each.best is None]
    if unknown and len(told) > 1:
        reasons.append(f"the text of {', '.join(unknown)} is not known before the first checkpoint")
    return reasons


def _figures(told: "History") -> dict[str, Any]:
    from charrnn.model.checkpoint import bits

    last, best = told.log[-1], told.best
    losses: dict[str, float | None] = {
        "val_nats": None if best is None else best.figures.val_nats,
        "test_nats": None if best is None else best.figures.test_nats,
    }
    in_bits = {name.replace("nats", "bits"): None if nats is None else bits(nats) for name, nats in losses.items()}
    return {
        **losses,
        **in_bits,
        "best_step": best and best.figures.step,
        "parameters": best and best.model.parameters,
        "steps": last["step"],
        "epochs": last["epoch"],
        "seconds": last["seconds"],
        "chars_per_second": told.chars_per_second,
        "budget_used": told.budget_used,
    }


def _draw(told: "Sequence[History]", names: Sequence[str], output: Path) -> None:
    from charrnn.display.curve import draw_together
    from charrnn.display.figures import form_of
    from charrnn.files import replacing

    with replacing(output) as picture:
        draw_together({name: each.log for name, each in zip(names, told, strict=True)}, picture, form_of(output))
    note(f"drew {output}")


def _show(
    told: "Sequence[History]", names: Sequence[str], rows: Sequence[dict[str, Any]], marked: Sequence[str]
) -> None:
    from charrnn.display import tables
    from charrnn.display.plot import plot_together
    from charrnn.display.terminal import Terminal

    console, differing = Terminal(), _differing(told)
    for line in tables.names(names):
        console.print(line, soft_wrap=True)
    console.print()
    console.print(tables.figures(rows, marked))
    console.print()
    for place, table in enumerate(tables.settings(differing, console.width) if differing else ()):
        console.print("Settings that differ:" if place == 0 else "")
        console.print(table)
    if len(told) > 1:
        console.print("" if differing else "All settings are the same.\n")
        for row in plot_together([each.log for each in told], min(console.width, WIDTH)):
            console.print(row, soft_wrap=True)
