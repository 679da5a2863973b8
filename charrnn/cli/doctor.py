"""`charrnn doctor`: whether all that charrnn keeps is whole, and what is left of processes that were killed."""

from pathlib import Path

import click

from charrnn import api
from charrnn.cli.common import FEEDBACK, echo_json, examples, json_option, say
from charrnn.cli.output import RunFolder
from charrnn.errors import CharrnnError


@click.command(epilog=examples("charrnn doctor", "charrnn doctor checkpoints/python-lstm", "charrnn doctor --prune"))
@click.argument("paths", metavar="[RUN]...", nargs=-1, type=RunFolder())
@click.option("--prune", is_flag=True, help="Remove the orphans, and texts of the cache that are damaged.")
@json_option
def doctor(paths: tuple[Path, ...], prune: bool, as_json: bool) -> None:
    """Check that all that charrnn keeps is whole: runs, checkpoints, named corpora and the cache of encoded texts.

    RUN is a run folder, a folder in which there are some, or a checkpoint. Default: checkpoints/. Nothing is changed
    without --prune, which names what it removes. What it removes are orphans, the files that killed processes have left
    in these places, in the current folder and in the temporary one, and texts of the cache that are of no use.

    The exit status is 1 where something is broken. Orphans break nothing.
    """
    found = api.doctor(paths, prune=prune, feedback=FEEDBACK)
    if as_json:
        echo_json(found.to_dict())
    else:
        for line in str(found).split("\n"):
            say(line)
    if found.broken:
        raise CharrnnError(found.verdict, f"what to do stands beside {'it' if len(found.broken) == 1 else 'each'}")
