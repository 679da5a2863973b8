"""A model's weights under another vocabulary: what belongs to a character follows the character, not its id."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from charrnn.model.config import ModelConfig
from charrnn.text.vocabulary import Vocabulary

Weights = Mapping[str, npt.NDArray[np.float32]]


def transferred(config: ModelConfig, weights: Weights, old: Vocabulary, new: Vocabulary, fresh: Weights) -> Weights:
    """Return the weights of a network that knows `new` characters, from those of one that knew `old` ones.

    A character's part is its row of the embedding (its column of the first layer's input weights where the input is
    one-hot) and its row of the read-out. Characters that both know keep theirs; the others' come from `fresh`, the
    weights of a network of the new vocabulary; `config` is that network's. All other weights are kept.
    """
    known = new.known(old.alphabet)
    there, here = old.encode(known), new.encode(known)
    made = dict(weights)
    by_character = {"readout.weight", "readout.bias", "embedding.weight" if config.embedding_size else _ONE_HOT}
    for name in by_character:
        axis = 1 if name == _ONE_HOT else 0
        part = np.moveaxis(fresh[name].copy(), axis, 0)
        part[here] = np.moveaxis(weights[name], axis, 0)[there]
        made[name] = np.moveaxis(part, 0, axis)
    return made


_ONE_HOT = "layers.0.weight_ih"
