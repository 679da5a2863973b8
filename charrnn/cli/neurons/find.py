"""`charrnn neurons find` and `features`: which unit follows what, how surely, and what can be asked for."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn import api
from charrnn.api.limits import SPREAD
from charrnn.api.passage import WRITTEN, check_length
from charrnn.cli import completion
from charrnn.cli.asked import Asked, asks_for_unseen_text, characters_option, seed_option, signals_option
from charrnn.cli.common import FEEDBACK, examples, json_option, note, precision_option, show
from charrnn.cli.drawing import show_plot
from charrnn.cli.output import PICTURE, OutputFile
from charrnn.errors import CheckpointError, argument, typed
from charrnn.model.checkpoint import locate
from charrnn.model.shipped import shipped

if TYPE_CHECKING:
    from charrnn.api.find import Findings, KnownFindings


@click.command(epilog=examples("charrnn neurons features", "charrnn neurons features --json"))
@json_option
def features(as_json: bool) -> None:
    """List the features that units can be searched for, with the kind of text in which each is tried.

    Those that other installed packages offer as entry points of the group "charrnn.features" stand at the end.
    """
    show(api.features(), as_json)


@click.command(
    epilog=examples(
        "echo '\"Well,\" she said.' | charrnn neurons find tolstoy -",
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
@characters_option(300_000, ", in stretches from all over the part: half to choose on, half to measure on")
@precision_option
@seed_option("Of the intervals.")
@click.option("-o", "--output", type=PICTURE, metavar="PICTURE.png", help="Draw how many units it takes there.")
@click.option(
    "--directions",
    type=OutputFile(".json"),
    metavar="FILE.json",
    help="Write what probes read from a layer there: --unit FILE.json:FEATURE then means that direction.",
)
@click.option("--save", is_flag=True, help="Keep the single units in MODEL's file: --unit then takes their names.")
@asks_for_unseen_text
@json_option
def find(asked: Asked, characters: int, output: Path | None, save: bool, as_json: bool, **options: Any) -> None:
    """Find the unit of MODEL that follows a feature of SOURCE best, how well, and whether it is one unit at all.

    The text is read in stretches. Units are chosen on every other one and measured on the rest, then the other way
    round. Scores are ROC AUC (0.5 is chance) or, for counts, Spearman's ρ (0 is chance), with a 95 % interval from
    resampled blocks of the text; q is the p-value of the unit under shifted labels, adjusted for all features.

    Controls, fitted on the half on which the unit was chosen: ridge regressions on the last 5 characters, on the last
    20, and on counters of characters that decay, these also on the training text where it is at hand; the best unit
    and the best layer of an untrained network of the same shape; and a linear probe on each layer of the model, of
    which the best counts.

    Verdicts. "single unit": it beats all controls and has 95 % of the layer's score. "distributed": the layer beats
    all controls, and needs so many units for 95 %. "halves disagree": the unit that one half prefers is far from the
    best on the other. "no better than": a control predicts the feature as well. "not found": neither a unit nor the
    layer follows it clearly (q < 0.05, and an AUC of 0.65 or a ρ of 0.3).

    To beat is to be better by 0.05 in 2·AUC − 1 or ρ, or to miss half as much to 1, and by more than chance.

    Of a text that is too short to measure on, it tells the units that MODEL's file names.
    """
    if save and shipped(asked.name):
        raise CheckpointError(f"{asked.name} comes with charrnn", "copy its file, and name the copy as MODEL")
    passage = asked.passage(SPREAD * characters)
    if save or output or options["directions"]:
        check_length(passage.text)
    found = asked.model.find(passage, characters=characters, **options, feedback=FEEDBACK)
    if isinstance(found, api.find.KnownFindings):
        show(found, as_json)
    else:
        show_plot(found, output, as_json)
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


def _advise(found: "Findings | KnownFindings") -> None:
    """Tell how to look at the best single unit, or the best known one."""
    passage = found.passage
    part = [] if passage.part == "all" else ["--part", passage.part]
    source = [] if passage.part == WRITTEN else [*map(argument, passage.source), *part]  # it writes the same again
    where = (argument(passage.model), *source, "--unit")
    if isinstance(found, api.find.KnownFindings):
        click.echo(f"\nNext:  {typed('neurons', 'show', *where, found.known_units[0].feature)}")
    elif best := found.best:
        told = ("--feature", best.feature) if best.kind == "binary" and not best.predictive else ()
        click.echo(f"\nNext:  {typed('neurons', 'show', *where, best.unit, '--signal', best.signal)}")
        click.echo(f"       {typed('neurons', 'ablate', *where, best.unit, *told)}")
