"""What a step asks of a GPU, as far as a machine without one can tell: never for a number, and for nothing to be sent.

Torch's device "meta", which has shapes and no numbers, stands in for a GPU: asking it for a number is an error. What
only a GPU can tell stands at the end.
"""

from contextlib import nullcontext

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from charrnn.evaluation.scoring import nats_per_character
from charrnn.model.graphs import Graphed
from charrnn.text.corpus import Streams
from charrnn.training.config import TrainingConfig
from charrnn.training.feed import Feed
from charrnn.training.group import Group
from charrnn.training.learner import Learner
from charrnn.training.trainer import Trainer

META = torch.device("meta")


class Orders(TorchDispatchMode):
    """Notes what torch is told to do, with the devices of what comes in and out."""

    def __init__(self):
        super().__init__()
        self.names, self.devices = [], []

    def __torch_dispatch__(self, order, types, arguments=(), options=None):
        done = order(*arguments, **(options or {}))
        self.names.append(str(order))
        tensors = [x for x in (*arguments, done) if isinstance(x, torch.Tensor)]
        self.devices.append({x.device.type for x in tensors})
        return done


class Questions(TorchFunctionMode):
    """Counts how often a number is asked for, which a GPU would be waited for."""

    ASKING = frozenset(("item", "tolist", "cpu", "numpy", "nonzero", "__array__", "__bool__", "__float__", "__int__"))

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_function__(self, function, types, arguments=(), options=None):
        self.count += getattr(function, "__name__", "") in self.ASKING
        return function(*arguments, **(options or {}))


class NoGenerator:
    """Meta has no random numbers."""

    def __init__(self, device):
        pass

    def manual_seed(self, seed):
        return self


@pytest.fixture
def on_meta(monkeypatch, corpus, make_model):
    """A function that returns a learner on the device that has no numbers, and what feeds it."""

    def make(cell, **options):
        model = make_model(vocabulary_size=len(corpus.vocabulary), num_layers=2, **cell, **options).to(META)
        config = TrainingConfig(batch_size=3, seq_length=7, steps=9, optimizer="rmsprop", clip_value=1.0)
        monkeypatch.setattr(torch, "Generator", NoGenerator)
        monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
        learner = Learner(model, config, torch.float32, Group(device=META))
        streams = Streams.over(corpus.parts["train"], 3, 7)
        return learner, Feed(streams, META, resident=True).batches()

    return make


@pytest.mark.parametrize("embedding_size", [0, 4])
def test_a_step_neither_asks_for_a_number_nor_sends_one(on_meta, cell, embedding_size):
    learner, batches = on_meta(cell, embedding_size=embedding_size)
    learner.learn(next(batches), 0.1)
    with Orders() as orders:
        for _ in range(9):  # over the end of an epoch
            step = learner.learn(next(batches), 0.1)
    assert step.loss.device.type == step.norm.device.type == "meta"
    crossing = {name for name, devices in zip(orders.names, orders.devices, strict=True) if len(devices) > 1}
    at_home = {name for name, devices in zip(orders.names, orders.devices, strict=True) if devices == {"cpu"}}
    assert crossing == set()
    assert at_home <= {"aten.add_.Tensor"}  # the optimiser's count of its steps
    assert len(orders.names) > 100


@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop"])
@pytest.mark.parametrize("clip", [{"clip_norm": 1.0}, {"clip_norm": 0.0, "clip_value": 1.0}], ids=str)
def test_more_steps_ask_for_no_more_numbers(make_trainer, quiet, optimizer, clip):
    counts = []
    for steps in (6, 30):
        with Questions() as questions, Orders() as orders:
            last = list(make_trainer(steps=steps, sample_every=99, optimizer=optimizer, dropout=0.5, **clip).run())
        assert [progress.step for progress in last] == [steps]
        counts.append((questions.count, orders.names.count("aten._local_scalar_dense.default")))
    assert counts[0] == counts[1]
    assert counts[0][0] > 0


def test_the_counting_of_questions_counts_each():
    with Questions() as questions, Orders() as orders:
        x = torch.ones(1)
        assert x.item() == float(x) == x.tolist()[0] == x.cpu().numpy()[0]
        assert bool(x)
    assert questions.count == 6
    assert orders.names.count("aten._local_scalar_dense.default") == 3


def test_what_of_a_gpu_could_not_be_used_is_told(make_trainer):
    trainer = make_trainer(steps=1)
    assert trainer.notes == []
    trainer._learner._graph = Graphed(None)
    assert trainer.notes == []
    trainer._learner._graph.failure = "no"
    assert trainer.notes == ["no"]


def replayed(function, inputs, generators):
    """Stands in for CUDA's graph: takes inputs where they lie, and writes what it returns where it always does."""
    memory = []

    def replay(*values):
        for place, value in zip(inputs, values, strict=True):
            place.copy_(value)
        outputs = function(*inputs)
        memory.extend(torch.empty_like(y) for y in outputs[len(memory) :])
        for place, value in zip(memory, outputs, strict=True):
            place.copy_(value)
        return memory

    return replay


def graphed(trainer, capture=None):
    """Have a trainer take its steps as on a GPU; return the graph."""
    learner = trainer._learner
    learner._graph = Graphed(learner._step, learner._written, [learner._dropout], capture)
    return learner._graph


@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop"])
def test_steps_as_a_graph_learn_what_single_steps_do(make_trainer, make_model, optimizer, cell):
    losses = []
    for capture in (None, replayed):
        model = make_model(vocabulary_size=6, num_layers=2, dropout=0.5, weight_dropout=0.25, **cell)
        trainer = make_trainer(model=model, steps=30, sample_every=1, optimizer=optimizer)
        graph = capture and graphed(trainer, capture)
        losses.append([progress.train_nats for progress in trainer.run()])
    assert graph.failure is None
    assert graph._replay is not None
    assert losses[0] == losses[1]


gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def trained_on(device, make_model, corpus, cell, precision=torch.float32):
    """A trainer after two epochs of a network on a device, with two layers and no dropout."""
    model = make_model(vocabulary_size=len(corpus.vocabulary), num_layers=2, **cell).to(device)
    config = TrainingConfig(batch_size=3, seq_length=7, learning_rate=1e-2, epochs=2, sample_every=99)
    trainer = Trainer(model, corpus, config, precision)
    assert list(trainer.run())[-1].val_nats
    return trainer


@gpu
@pytest.mark.parametrize("embedding_size", [0, 4])
def test_a_gpu_finds_the_gradients_of_a_cpu(make_trainer, make_model, corpus, cell, embedding_size):
    trainers = []
    for device in ("cuda", "cpu"):
        model = make_model(vocabulary_size=6, num_layers=2, embedding_size=embedding_size, **cell).to(device)
        trainers.append(make_trainer(model=model, steps=9, clip_norm=0))
        trainers[-1]._learner._graph = None  # whose replays leave the gradients where only the optimiser finds them
        batches = trainers[-1]._feed.batches()
        for _ in range(5):  # at a rate of zero, so that nothing but the recurrent state goes on
            trainers[-1]._train_on(next(batches), 0.0)
    for there, here in zip(*(trainer.model.parameters() for trainer in trainers), strict=True):
        torch.testing.assert_close(there.grad.cpu(), here.grad, rtol=1e-3, atol=1e-5)
    assert trainers[0].notes == []


@gpu
def test_in_bfloat16_a_gpu_learns_about_the_same(make_model, corpus, cell):
    trainers = [trained_on(torch.device("cuda"), make_model, corpus, cell, p) for p in (torch.float32, torch.bfloat16)]
    exact, rounded = (nats_per_character(trainer.model, corpus.parts["val"]) for trainer in trainers)
    assert rounded == pytest.approx(exact, abs=0.1)


@gpu
@pytest.mark.parametrize("hidden_size", [32, 1024])
@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop"])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_gpu_takes_the_whole_step_as_a_graph_that_proves_right(
    make_model, corpus, cell, hidden_size, optimizer, precision
):
    sizes = {"hidden_size": hidden_size, "dropout": 0.5, "weight_dropout": 0.25}
    model = make_model(vocabulary_size=len(corpus.vocabulary), num_layers=2, **cell, **sizes).to("cuda")
    trainer = Trainer(
        model, corpus, TrainingConfig(batch_size=3, seq_length=7, steps=9, optimizer=optimizer), precision
    )
    assert list(trainer.run())
    assert trainer.notes == []
    assert trainer._learner._graph._replay is not None


@gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
def test_a_gpu_takes_steps_without_being_waited_for(make_model, corpus, cell):
    trainer = trained_on(torch.device("cuda"), make_model, corpus, cell, torch.bfloat16)
    batches = trainer._feed.batches()
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(9):
            trainer._train_on(next(batches), 0.01)
    finally:
        torch.cuda.set_sync_debug_mode(before)
