"""A model under another vocabulary: what belongs to a character follows the character."""

import numpy as np
import pytest
import torch

from charrnn.model.network import CharRNN
from charrnn.model.transfer import transferred
from charrnn.text.vocabulary import Vocabulary

OLD = Vocabulary("bdfhjl")  # all others below stand between, before and after these
NEW = {
    "the same": "bdfhjl",
    "new ones between": "bdfhjl" + "acegikz",
    "new ones before all": "bdfhjl" + "ABC \n",
    "new ones after all": "bdfhjl" + "xyzé😀",
}


@pytest.mark.parametrize("embedding_size", [3, 0], ids=["embedded", "one-hot"])
@pytest.mark.parametrize("characters", NEW.values(), ids=NEW)
def test_known_characters_are_read_and_predicted_as_before(make_model, make_config, cell, embedding_size, characters):
    old = make_model(0, **cell, embedding_size=embedding_size, num_layers=2)
    new = Vocabulary(characters)
    config = make_config(**cell, embedding_size=embedding_size, num_layers=2, vocabulary_size=len(new))
    fresh = CharRNN(config, torch.Generator().manual_seed(1)).weights()
    model = CharRNN.from_weights(config, transferred(config, old.weights(), OLD, new, fresh))
    text = "bdjlhfddbl"
    before, after = (
        m(torch.from_numpy(v.encode(text)[None].astype(np.int64)))[0] for m, v in ((old, OLD), (model, new))
    )
    kept = torch.from_numpy(new.encode(OLD.characters).astype(np.int64))
    torch.testing.assert_close(after[..., kept], before)


@pytest.mark.parametrize("embedding_size", [3, 0], ids=["embedded", "one-hot"])
def test_new_characters_have_what_a_fresh_network_gives_them(make_model, make_config, embedding_size):
    old = make_model(0, embedding_size=embedding_size).weights()
    new = Vocabulary("abdefhjl")
    config = make_config(embedding_size=embedding_size, vocabulary_size=len(new))
    fresh = CharRNN(config, torch.Generator().manual_seed(1)).weights()
    made = transferred(config, old, OLD, new, fresh)
    there, here = OLD.encode("bdfhjl"), new.encode("bdfhjl")
    added = new.encode("ae")
    names = ["readout.weight", "readout.bias", "embedding.weight"][: 3 if embedding_size else 2]
    for name in names:
        np.testing.assert_equal(made[name][added], fresh[name][added])
        np.testing.assert_equal(made[name][here], old[name][there])
    if not embedding_size:
        np.testing.assert_equal(made["layers.0.weight_ih"][:, added], fresh["layers.0.weight_ih"][:, added])
    assert {name: weight.shape for name, weight in made.items()} == config.shapes()
    assert set(old) - set(names) >= {name for name in made if made[name] is old[name]} >= {"layers.0.weight_hh"}
