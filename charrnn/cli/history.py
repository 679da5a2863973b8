"""`charrnn history`: a run as a table, a curve and what the model wrote at its stages."""

from pathlib import Path

import click

from charrnn import api
from charrnn.cli.common import echo_json, examples, json_option, note
from charrnn.cli.output import RunFolder


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
    found = api.Run(run).history()
    if as_json:
        echo_json(found.to_dict())
        return
    found.show()
    if found.overfitting:
        note(found.overfitting)
