"""`charrnn neurons`: what single units do; the group of its commands."""

import click

from charrnn.cli.common import examples
from charrnn.cli.neurons.compare import compare
from charrnn.cli.neurons.dump import dump
from charrnn.cli.neurons.explore import explore
from charrnn.cli.neurons.find import features, find
from charrnn.cli.neurons.gallery import gallery
from charrnn.cli.neurons.look import gates, grep
from charrnn.cli.neurons.prove import ablate, steer
from charrnn.cli.neurons.show import show
from charrnn.cli.neurons.trace import trace


@click.group(
    epilog=examples(
        "charrnn neurons find checkpoints/python-lstm python",
        "charrnn neurons show checkpoints/python-lstm python --unit 0:42",
    )
)
def neurons() -> None:
    """See what single units do over a text: find the unit that follows a feature, and prove it."""


for command in (find, show, explore, gallery, trace, ablate, steer, gates, grep, compare, dump, features):
    neurons.add_command(command)
