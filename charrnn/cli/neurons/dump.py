"""`charrnn neurons dump`: every unit's values at every character, as a file."""

from pathlib import Path
from typing import Any

import click

from charrnn.cli.asked import Asked, asks_for_text, signals_option
from charrnn.cli.common import FEEDBACK, examples, float32_option
from charrnn.cli.output import OutputFile


@click.command(
    epilog=examples(
        "charrnn neurons dump checkpoints/python-lstm python --part test -o units.npz",
        "charrnn neurons dump checkpoints/python-lstm python --part val -o gates.npz --signals c,i,f,o,g",
        "charrnn neurons dump checkpoints/python-lstm python --part val -o lstmvis/python/states.hdf5",
    )
)
@click.option(
    "-o",
    "--output",
    type=OutputFile(".npz", ".hdf5", ".h5", folder_is_made=True),
    required=True,
    metavar="OUT.npz",
    help="The file to write; OUT.hdf5 or OUT.h5 for LSTMVis.",
)
@signals_option("Such as h,c,i,f,o,g (LSTM) or h,r,z,n (GRU). Default: the state.")
@click.option(
    "--dtype", type=click.Choice(["float16", "float32"]), default="float16", show_default=True, help="Of the values."
)
@float32_option
@asks_for_text
def dump(asked: Asked, output: Path, **options: Any) -> None:
    """Write every unit's values at every character of SOURCE to a file.

    SOURCE is held in memory, the values are not: they go to the disk as they come, which needs room for two such files.
    The folder is made where it is missing.

    An .npz file holds the ids "text" [T], an array [L, T, H] for each signal (L layers, H units), and "meta", a JSON
    string that names the model, the text and the vocabulary.

    An .hdf5 or .h5 file has LSTMVis's layout, with its words.dict and lstm.yml beside it: "word_ids" [T], and for each
    layer, counted from 1, an array [T, H] of the cell state (states1), the hidden state (output1) and of other signals
    (f1). Its folder is opened with LSTMVis's -dir. It needs h5py (the extra hdf5).
    """
    click.echo(asked.model.dump(asked.passage(), output, **options, feedback=FEEDBACK))
