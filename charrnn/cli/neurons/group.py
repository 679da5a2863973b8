"""`charrnn neurons`: what single units do; the group of its commands."""

import click

from charrnn.cli.common import examples
from charrnn.cli.lazy import LazyGroup

COMMANDS = {
    "ablate": ("charrnn.cli.neurons.prove", "Measure what the model loses without a unit."),
    "compare": ("charrnn.cli.neurons.compare", "Match units of models, or of a run's stages."),
    "dump": ("charrnn.cli.neurons.dump", "Write every unit's values to a file."),
    "explore": ("charrnn.cli.neurons.explore", "Write a page to explore all units on."),
    "features": ("charrnn.cli.neurons.find", "List the features that can be searched for."),
    "find": ("charrnn.cli.neurons.find", "Find the unit that follows a feature best."),
    "gallery": ("charrnn.cli.neurons.gallery", "Show what a model's best units follow."),
    "gates": ("charrnn.cli.neurons.look", "Measure how saturated the gates are."),
    "grep": ("charrnn.cli.neurons.look", "Find passages in which units do alike."),
    "show": ("charrnn.cli.neurons.show", "Highlight units' values over a text."),
    "steer": ("charrnn.cli.neurons.prove", "Write with a unit held low, free and high."),
    "trace": ("charrnn.cli.neurons.trace", "Show what influences one prediction."),
}


@click.group(
    cls=LazyGroup,
    modules=COMMANDS,
    epilog=examples(
        "charrnn neurons find checkpoints/python-lstm python",
        "charrnn neurons show checkpoints/python-lstm python --unit 0:42",
    ),
)
def neurons() -> None:
    """See what single units do over a text: find the unit that follows a feature, and prove it."""
