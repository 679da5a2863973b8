"""Identity: what every checkpoint of one run says of it: its text, its recipe, its vocabulary."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from charrnn.model.checkpoint import Checkpoint, Figures, Header, Provenance
from charrnn.model.config import ModelConfig
from charrnn.model.network import CharRNN
from charrnn.text.corpus import Corpus
from charrnn.text.item_corpus import ItemCorpus
from charrnn.text.reading import DEFAULT, READING_OPTIONS
from charrnn.text.spec import TextSpec
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.config import TrainingConfig


@dataclass(frozen=True)
class Identity:
    """What stays the same in all checkpoints of a run."""

    provenance: Provenance
    training: dict[str, Any]  # what was chosen, by the names of the options
    vocabulary: Vocabulary
    line_beginnings: dict[str, int]
    validates: bool  # whether there is a validation part

    @classmethod
    def of(
        cls, corpus: Corpus, training: TrainingConfig, precision: str, spec: TextSpec, origin: Mapping[str, Any]
    ) -> "Identity":
        """Return the identity of a run; `origin` stands beside its recipe: the model that it began from, its threads.

        Decoding options are noted where they are not the default.
        """
        provenance = Provenance(
            corpus.name,
            corpus.sha256,
            len(corpus),
            corpus.split,
            corpus.licence,
            corpus.source,
            corpus.folded,
            charges_folded=corpus.folded > 0,
            items=corpus.facts if isinstance(corpus, ItemCorpus) else None,
            characters_in=corpus.characters,
        )
        chosen = {name: value for name, value in asdict(training).items() if value is not None and value is not False}
        decoding = {name: getattr(spec, name) for name in READING_OPTIONS}
        decoding = {name: value for name, value in decoding.items() if value != getattr(DEFAULT, name)}
        options = chosen | {"precision": precision} | decoding | dict(origin)
        return cls(provenance, options, corpus.vocabulary, corpus.line_beginnings, "val" in corpus.parts)

    def header(self, config: ModelConfig, figures: Figures) -> Header:
        """Return the header of a checkpoint of the run."""
        symbols = self.vocabulary.symbols
        return Header(config, self.provenance, figures, self.training, self.line_beginnings, symbols=symbols)

    def checkpoint(self, model: CharRNN, figures: Figures) -> Checkpoint:
        """Return the model as a checkpoint of the run; the weights are copies on the CPU."""
        return Checkpoint(self.header(model.config, figures), self.vocabulary, model.weights())
