"""`charrnn neurons`: what single units do."""

from charrnn.cli.neurons.group import neurons

__all__ = ["neurons"]
