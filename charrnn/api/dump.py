"""Every unit's values at every character of a text, as a file."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from charrnn.api.passage import Passage
from charrnn.api.result import Result
from charrnn.display.highlight import guess_sign
from charrnn.display.signs import one_line
from charrnn.errors import counted
from charrnn.feedback import SILENT, Feedback
from charrnn.files import make_folder
from charrnn.model.cells import state_names
from charrnn.model.devices import choose_precision
from charrnn.model.network import CharRNN
from charrnn.neurons import dump as npz
from charrnn.neurons import lstmvis
from charrnn.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class Dumped(Result):
    """A file of units' values."""

    path: str
    signals: tuple[str, ...]
    num_layers: int
    hidden_size: int
    characters: int
    precision: str  # of the products: float32 or bfloat16

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self) | {"signals": list(self.signals)}

    def __str__(self) -> str:
        units = f"{self.num_layers}×{counted(self.hidden_size, 'unit')}"
        return f"{one_line(self.path)}: {', '.join(self.signals)} of {units} at {counted(self.characters, 'character')}"


def dump(
    network: CharRNN,
    vocabulary: Vocabulary,
    passage: Passage,
    path: str | os.PathLike[str],
    *,
    signals: Sequence[str] | None = None,
    dtype: Literal["float16", "float32"] = "float16",
    precision: str = "float32",
    feedback: Feedback = SILENT,
) -> Dumped:
    """Write every unit's values at every character of a text to a file, in bounded memory.

    Args:
        network: whose units they are.
        vocabulary: its characters.
        passage: the text.
        path: the file; its name ends in .npz, or for LSTMVis in .hdf5 or .h5. Its folder is made where it is missing.
        signals: such as h, c or a gate; None: the state.
        dtype: of the values in the file.
        precision: of the products, float32 or bfloat16.
        feedback: where notes and counts go.

    Raises:
        ConfigError: the cell has no such signal, the disk has too little room, or h5py is missing.
        OSError: the file cannot be written.
    """
    output, config = Path(path), network.config
    names = list(state_names(config) if signals is None else dict.fromkeys(signals))
    meta = {
        **passage.origin(),
        "signals": names,
        "precision": precision,
        "config": {name: getattr(config, name) for name in ("cell", "num_layers", "hidden_size")},
        "vocabulary": vocabulary.characters if vocabulary.symbols is None else list(vocabulary.names),
    }
    number = choose_precision(precision, network.device)
    make_folder(output.parent)
    with feedback.bar(len(passage), "recording") as bar:
        if output.suffix.lower() in lstmvis.SUFFIXES:
            words = _words(vocabulary.names)
            lstmvis.write(output, network, passage.ids, names, dtype, meta, words, bar.update, number)
        else:
            npz.write(output, network, passage.ids, names, dtype, meta, bar.update, number)
    return Dumped(str(output), tuple(names), config.num_layers, config.hidden_size, len(passage), precision)


def _words(characters: Sequence[str]) -> list[str]:
    r"""A visible sign for each character, each once and without white space; U+ and its number where there is none.

    >>> _words("a \n\u202e\u2066␣")
    ['a', '␣', '↵', '�', 'U+2066', 'U+2423']
    """
    words: dict[str, None] = {}
    for character in characters:
        word = guess_sign(character)
        hidden = word.split() != [word] or word in words
        words["".join(f"U+{ord(c):04X}" for c in character) if hidden else word] = None
    return list(words)
