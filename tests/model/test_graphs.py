"""A graph stands in for its function only for inputs of its kind, and only after it has proved right."""

import copy

import pytest
import torch

from charrnn.model.graphs import Graphed
from charrnn.model.scan import PeepholeScan


def inputs(steps=3, seed=0, number=torch.float32):
    """What a peephole layer's scan takes, of 2 readers and 4 units; the state needs no gradient."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {(steps, 2, 16): True, (16, 4): True, (16,): True, (3, 4): True, (2, 4): False, (1, 2, 4): False}
    *most, c = (torch.randn(shape, generator=generator).to(number).requires_grad_(g) for shape, g in shapes.items())
    return (*most, c[0])


class Capture:
    """Stands in for CUDA's: one memory for the inputs, the outputs and the gradients of all replays."""

    def __init__(self, wrong=lambda outputs: outputs):
        self.kept, self.replays, self.wrong = [], 0, wrong

    def __call__(self, function, samples):
        self.kept.append(samples)
        memory = [y.detach().clone() for y in function(*samples)], [torch.empty_like(x) for x in samples]

        def replay(*values):
            self.replays += 1
            return self.wrong(Replay.apply(function, samples, *memory, *values))

        return replay


class Replay(torch.autograd.Function):
    """A replay: reads and writes where it always does."""

    @staticmethod
    def forward(ctx, function, samples, outputs, gradients, *values):
        ctx.function, ctx.samples, ctx.gradients = function, samples, gradients
        for place, value in zip(samples, values, strict=True):
            place.copy_(value)
        for place, value in zip(outputs, function(*samples), strict=True):
            place.copy_(value)
        return tuple(y.detach() for y in outputs)

    @staticmethod
    def backward(ctx, *grads):
        leaves = [x for x in ctx.samples if x.requires_grad]
        with torch.enable_grad():
            new = iter(torch.autograd.grad(ctx.function(*ctx.samples), leaves, grads))
        found = []
        for sample, place in zip(ctx.samples, ctx.gradients, strict=True):
            found.append(place.copy_(next(new)).detach() if sample.requires_grad else None)
        return None, None, None, None, *found


def same(ones, others):
    return all(torch.equal(one, other) for one, other in zip(ones, others, strict=True))


def gradients(function, values):
    outputs = function(*values)
    return torch.autograd.grad(sum(y.sum() for y in outputs), [x for x in values if x.requires_grad])


def test_inputs_of_one_kind_are_graphed_when_they_come_again():
    capture = Capture()
    graphed = Graphed(PeepholeScan.apply, capture)
    for seed in range(4):
        assert same(graphed(*inputs(seed=seed)), PeepholeScan.apply(*inputs(seed=seed)))
        assert same(gradients(graphed, inputs(seed=seed)), gradients(PeepholeScan.apply, inputs(seed=seed)))
    assert len(capture.kept) == 1
    assert capture.replays == 8  # one to be held against the function; of eight calls but the first
    assert graphed.failure is None


def test_a_graph_keeps_inputs_of_its_own():
    capture = Capture()
    graphed = Graphed(PeepholeScan.apply, capture)
    for _ in range(2):
        values = inputs()
        graphed(*values)
    [kept] = capture.kept
    assert same(kept, values)
    assert [x.requires_grad for x in kept] == [x.requires_grad for x in values]
    assert not {x.data_ptr() for x in kept} & {x.data_ptr() for x in values}


@pytest.mark.parametrize("other", [{"steps": 2}, {"number": torch.bfloat16}], ids=str)
def test_inputs_of_another_kind_go_to_the_function(other):
    capture = Capture()
    graphed = Graphed(PeepholeScan.apply, capture)
    for _ in range(3):
        graphed(*inputs())
    before = capture.replays
    for _ in range(3):
        assert same(graphed(*inputs(**other)), PeepholeScan.apply(*inputs(**other)))
    assert capture.replays == before
    graphed(*inputs())
    assert capture.replays == before + 1
    assert len(capture.kept) == 1


def test_what_comes_but_once_is_not_graphed():
    capture = Capture()
    graphed = Graphed(PeepholeScan.apply, capture)
    for steps in (2, 3, 2, 3):
        graphed(*inputs(steps))
    assert capture.kept == []


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("no graphs here\nwith details"),
        torch.OutOfMemoryError("no graphs here"),
        AssertionError("no graphs here"),
    ],
)
def test_where_no_graph_can_be_made_the_function_serves_and_the_reason_is_kept(error):
    calls = []

    def capture(function, samples):
        calls.append(samples)
        raise error

    graphed = Graphed(PeepholeScan.apply, capture)
    for _ in range(4):
        assert same(graphed(*inputs()), PeepholeScan.apply(*inputs()))
    assert len(calls) == 1
    assert "a graph of the steps failed (no graphs here);" in graphed.failure


@pytest.mark.parametrize("factor", [1.2, float("nan")])
@pytest.mark.parametrize("which", [0, 1])
def test_a_graph_that_gives_other_numbers_is_not_used(factor, which):
    capture = Capture(lambda outputs: [y * factor if place == which else y for place, y in enumerate(outputs)])
    graphed = Graphed(PeepholeScan.apply, capture)
    for _ in range(4):
        assert same(graphed(*inputs()), PeepholeScan.apply(*inputs()))
    assert capture.replays == 1
    assert "it gave other numbers" in graphed.failure


class WrongGradient(torch.autograd.Function):
    """Right outputs; the gradient of an earlier call, as it were."""

    @staticmethod
    def forward(ctx, *values):
        return PeepholeScan.forward(type("Ctx", (), {"save_for_backward": lambda *_: None})(), *values)

    @staticmethod
    def backward(ctx, grad_h, grad_c):
        return (*(torch.ones(x.shape) if x.requires_grad else None for x in inputs()),)


def test_a_graph_with_other_gradients_is_not_used():
    graphed = Graphed(PeepholeScan.apply, lambda function, samples: WrongGradient.apply)
    for _ in range(4):
        assert same(gradients(graphed, inputs()), gradients(PeepholeScan.apply, inputs()))
    assert "it gave other numbers" in graphed.failure


def test_a_copy_has_no_graph_yet():
    graphed = Graphed(PeepholeScan.apply, Capture())
    for _ in range(3):
        graphed(*inputs())
    assert copy.deepcopy(graphed)._replay is None
    assert graphed._replay is not None


def test_a_network_that_is_graphed_learns_as_one_that_is_not(make_model):
    plain, graphed = (make_model(cell="peephole", num_layers=2) for _ in range(2))
    graphs = [Graphed(PeepholeScan.apply, Capture()) for _ in graphed.layers]
    for layer, graph in zip(graphed.layers, graphs, strict=True):
        layer.graphed = graph
    ids = torch.tensor([[0, 1, 2, 1, 0], [2, 1, 0, 1, 2]])
    for model in (plain, graphed):
        state = None
        for window in (ids, ids, ids, ids[:, :3], ids):
            logits, state = model(window, state and [[part.detach() for part in layer] for layer in state])
            model.zero_grad()
            logits.logsumexp(-1).sum().backward()
    assert same([p.grad for p in plain.parameters()], [p.grad for p in graphed.parameters()])
    assert [graph.failure for graph in graphs] == [None, None]
    assert all(graph._capture.replays == 4 for graph in graphs)


def test_only_where_a_gpu_trains_is_a_network_graphed(make_model, cell):
    assert make_model(**cell).graphed() == []
