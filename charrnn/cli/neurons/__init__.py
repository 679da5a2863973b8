"""`charrnn neurons`: what single units do."""

import click

from charrnn.cli.common import examples
from charrnn.cli.lazy import LazyGroup

COMMANDS = {
    "Look": {
        "show": ("charrnn.cli.neurons.show", "Highlight units' values over a text."),
        "explore": ("charrnn.cli.neurons.explore", "Write a page to explore all units on."),
        "gallery": ("charrnn.cli.neurons.gallery", "Show what a model's best units follow."),
        "grep": ("charrnn.cli.neurons.look", "Find passages in which units do alike."),
        "trace": ("charrnn.cli.neurons.trace", "Show what influences one prediction."),
        "gates": ("charrnn.cli.neurons.look", "Measure how saturated the gates are."),
        "dump": ("charrnn.cli.neurons.dump", "Write every unit's values to a file."),
    },
    "Find and prove": {
        "features": ("charrnn.cli.neurons.find", "List the features that can be searched for."),
        "find": ("charrnn.cli.neurons.find", "Find the unit that follows a feature best."),
        "ablate": ("charrnn.cli.neurons.prove", "Measure what the model loses without a unit."),
        "steer": ("charrnn.cli.neurons.prove", "Write with a unit held low, free and high."),
        "compare": ("charrnn.cli.neurons.compare", "Match units of models, or of a run's stages."),
    },
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
