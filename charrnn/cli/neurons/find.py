"""`charrnn neurons find` and `features`: which unit follows what, how surely, and what can be asked for."""

from typing import TYPE_CHECKING, Any

import click

from charrnn.cli import completion
from charrnn.cli.asked import Asked, asks_for_unseen_text, characters_option, seed_option, signals_option
from charrnn.cli.common import FEEDBACK, echo_json, examples, json_option, note, show
from charrnn.display.signs import one_line
from charrnn.errors import CheckpointError, typed
from charrnn.model.checkpoint import locate
from charrnn.model.shipped import shipped
from charrnn.neurons.features.registry import all_features

if TYPE_CHECKING:
    from charrnn.api.find import Findings


@click.command(epilog=examples("charrnn neurons features", "charrnn neurons features --json"))
@json_option
def features(as_json: bool) -> None:
    """List the features that units can be searched for, with the kind of text in which each is tried.

    Those that other installed packages offer as entry points of the group "charrnn.features" stand at the end.
    """
    rows = [(f.name, f.kind, ("predictive: " if f.predictive else "") + f.sentence) for f in all_features()]
    if as_json:
        echo_json({"features": [{"feature": name, "kind": kind, "sentence": said} for name, kind, said in rows]})
        return
    for name, kind, said in rows:
        click.echo(one_line(f"{name:24}  {kind:6}  {said}"))


@click.command(
    epilog=examples(
        "charrnn neurons find checkpoints/python-lstm python",
        "charrnn neurons find checkpoints/python-lstm python --feature python_comment_or_string",
        "charrnn neurons find checkpoints/python-lstm python --feature line_position --regex 'number=[0-9.]+'",
        "charrnn neurons find checkpoints/python-lstm python --signals h,i,f,o --json",
    )
)
@click.option(
    "--feature",
    multiple=True,
    metavar="NAME",
    shell_complete=completion.features,
    help="What to look for; may be repeated. Default: all, those that fit the kind of text.",
)
@click.option(
    "--regex",
    multiple=True,
    metavar="NAME=PATTERN",
    help="Look for what a regular expression matches, ^ and $ at each line; may be repeated.",
)
@click.option(
    "--text-kind",
    type=click.Choice(["prose", "play", "c", "python", "markup"]),
    help="Which features all means. Default: as the text looks.",
)
@signals_option("Such as h,tanh_c,i,f,g,o. Default: h and, for LSTMs, tanh_c.")
@characters_option(100_000, ", from the part's beginning: half to choose on, half to measure on")
@seed_option("Of the shifts and the intervals.")
@click.option("--save", is_flag=True, help="Keep the single units in MODEL's file: --unit then takes their names.")
@asks_for_unseen_text
@json_option
def find(asked: Asked, characters: int, save: bool, as_json: bool, **options: Any) -> None:
    """Find the unit of MODEL that follows a feature of SOURCE best, how well, and whether it is one unit at all.

    Units are chosen on the first half of the text; every figure is from the second: the score with a 95 % interval
    (block bootstrap), beside it what the last five characters alone tell, and a linear probe on the unit's whole layer.
    A unit counts as found where no unit does as well in 95 % of 200 shifts of the labels in a circle, and so does
    the layer for its probe. The table has the p-value of the unit; a "−" before the signal: the unit is low while
    the feature is on, or falls as the count grows.

    The verdict is "single unit" (found, better than the last five characters, 80 % of its layer), "distributed" (the
    layer knows it clearly, no unit has most of that), "surface" (the last five characters tell as much) or "not found".

    Scores are AUC (0.5 is chance) for features that are on or off, with the unit's sign as it was chosen, and
    Spearman's ρ (0 is chance) for counts, of values in float16, in which all saturated ones are equal; strengths
    2·AUC−1 and ρ are compared, 0.05 being a difference and 0.3 clear.
    """
    if save and shipped(asked.name):
        raise CheckpointError(f"{asked.name} comes with charrnn", "copy its file, and name the copy as MODEL")
    found = asked.model.find(asked.passage(characters), **options, feedback=FEEDBACK)
    show(found, as_json)
    if save:
        _keep(asked, found)
    if not as_json:
        _advise(found)


def _keep(asked: Asked, found: "Findings") -> None:
    """Write the single units into the model's own file."""
    kept, path = asked.model.keep(found), locate(asked.name)
    asked.model.save(path, asked.model.checkpoint.number)
    names = ", ".join(f"{each.feature} {each.unit}" for each in kept)
    note(f"kept in {path}: {names or 'no unit was found'}")


def _advise(found: "Findings") -> None:
    """Tell how to look at the best single unit."""
    best, passage = found.best, found.passage
    if best is None:
        return
    part = [] if passage.part == "all" else ["--part", passage.part]
    where = (passage.model, *passage.source, *part, "--unit", best.unit)
    told = ("--feature", best.feature) if best.kind == "binary" and not best.predictive else ()
    click.echo(f"\nNext:  {typed('neurons', 'show', *where, '--signal', best.signal)}")
    click.echo(f"       {typed('neurons', 'ablate', *where, *told)}")
