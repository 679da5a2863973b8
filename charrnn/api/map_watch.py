"""MapWatch: what the training of a conditioned model reports to. Knows no torch."""

from charrnn.training.watch import Watch


class MapWatch(Watch):
    """Reports of the training of a conditioned model; a subclass overrides what it wants."""

    def announced(self, line: str) -> None:
        """Take what is trained, how and where, in one line: called once, before the first step."""
