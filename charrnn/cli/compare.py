"""`charrnn compare`: runs side by side, in figures and in one picture."""

from pathlib import Path

import click

from charrnn import api
from charrnn.cli.common import echo_json, examples, json_option, note
from charrnn.cli.output import PICTURE, RunFolder


@click.command(
    epilog=examples(
        "charrnn compare checkpoints/python-lstm checkpoints/python-gru",
        "charrnn compare checkpoints/* --output runs.png",
        "charrnn compare checkpoints/python-* --json",
    )
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=RunFolder())
@click.option(
    "-o",
    "--output",
    type=PICTURE,
    metavar="PICTURE.png",
    help="Draw their losses, against time and against epochs, in one picture.",
)
@json_option
def compare(runs: tuple[Path, ...], output: Path | None, as_json: bool) -> None:
    """Show runs side by side: figures, the best of each with a star, the settings in which they differ, and curves.

    RUN is a run folder; a run that was stopped or still goes on is compared by its best checkpoint so far, and "used"
    says how much of its budget that took. Losses are of the best checkpoint. Where texts or splits differ, losses are
    of different characters: a note says so, and none of them is marked as best.
    """
    compared = api.compare(runs)
    for reason in compared.reasons:
        note(f"{reason}; their losses cannot be compared")
    if output is not None:
        compared.save(output)
        note(f"drew {output}")
    if as_json:
        echo_json(compared.to_dict())
    else:
        compared.show()
