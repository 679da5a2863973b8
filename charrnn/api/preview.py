"""What a model writes at a milestone of its training: a short text, or some items."""

import numpy as np
import numpy.typing as npt

from charrnn.model.classes import weights_of_class
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.sampling.distribution import SamplingConfig
from charrnn.sampling.items import ItemSampler
from charrnn.sampling.sampler import Sampler
from charrnn.text.item_corpus import ItemCorpus
from charrnn.text.vocabulary import END
from charrnn.training.trainer import Trainer

SAMPLE_LENGTH = 160
METERED = 16  # samples in which copied text is measured; one alone says little
ITEMS = 128  # items in which it is measured
SHOWN = 8  # of them
CLASSES = 4  # of which items are drawn, at most
SAMPLE_TEMPERATURE = 0.8

Ids = npt.NDArray[np.integer]


def preview(trainer: Trainer) -> tuple[str, Ids]:
    """Return what is shown, and ids [N, S] in which copied text is measured.

    The seeds are always the same, so that the stages of a run can be compared.
    """
    with np.errstate(all="ignore"):  # a run about to diverge says so itself
        if isinstance(trainer.corpus, ItemCorpus):
            return _items(trainer, trainer.corpus)
        ids = np.concatenate([ids for ids, _ in _sampler(trainer).draw_many(SAMPLE_LENGTH, "", range(METERED))]).T
    return trainer.corpus.vocabulary.decode(ids[0]), ids


def _items(trainer: Trainer, corpus: ItemCorpus) -> tuple[str, Ids]:
    """Items of each class, where there are classes; a line for each that is shown."""
    labels, vocabulary = corpus.facts.labels[:CLASSES], corpus.vocabulary
    lines, texts = list[str](), list[str]()
    for number in range(len(labels) or 1):
        sampler = ItemSampler(_sampler(trainer, number if labels else None), SAMPLE_LENGTH)
        count = max(1, (len(labels) or 1))
        drawn = [item.text for item in sampler.draw_some(range(ITEMS // count))]
        lines += [f"[{labels[number]}] {text}" if labels else text for text in drawn[: max(1, SHOWN // count)]]
        texts += drawn
    return "\n".join(lines), vocabulary.encode(END.join([*texts, ""]))[None]


def _sampler(trainer: Trainer, number: int | None = None) -> Sampler:
    """What draws from the model as it is now; of a class by its number."""
    config, weights = trainer.model.config, trainer.model.weights()
    if number is not None:
        weights = weights_of_class(weights, number)
    return Sampler(SteppedCharRNN(config, weights), trainer.corpus.vocabulary, SamplingConfig(SAMPLE_TEMPERATURE))
