"""A graph stands in for its function only for inputs of its kind, and only after it has proved right."""

import gc

import pytest
import torch

from charrnn.model.graphs import WARM_UP, Graphed


class Total:
    """A function that writes into a tensor that lives on, and draws from a generator."""

    def __init__(self):
        self.total = torch.zeros(3)
        self.generator = torch.Generator().manual_seed(0)
        self.calls = 0

    def __call__(self, x, y):
        self.calls += 1
        noise = torch.rand(3, generator=self.generator)
        self.total += x.sum(0) * noise
        return [x * y, self.total.clone()]

    def graphed(self, capture):
        return Graphed(self, lambda: [self.total], [self.generator], capture)


class Capture:
    """Stands in for CUDA's: one memory for the inputs and one for the outputs of all replays."""

    def __init__(self, wrong=lambda outputs: None):
        self.kept, self.replays, self.wrong, self.generators = [], 0, wrong, None

    def __call__(self, function, inputs, generators):
        self.kept.append(inputs)
        self.generators = generators
        memory = []

        def replay(*values):
            self.replays += 1
            for place, value in zip(inputs, values, strict=True):
                place.copy_(value)
            outputs = function(*inputs)
            self.wrong(outputs)
            if not memory:
                memory.extend(torch.empty_like(y) for y in outputs)
            for place, value in zip(memory, outputs, strict=True):
                place.copy_(value)
            return memory

        return replay


def inputs(rows=2, seed=0, number=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(rows, 3, generator=generator).to(number) for _ in range(2)]


def same(ones, others):
    return all(torch.equal(one, other) for one, other in zip(ones, others, strict=True))


def held_against_the_function(graphed, plain, calls):
    for values in calls:
        assert same(graphed(*values), plain(*values))


def test_from_the_third_call_in_a_row_inputs_of_one_kind_are_graphed():
    capture, total = Capture(), Total()
    graphed = total.graphed(capture)
    held_against_the_function(graphed, Total(), [inputs(seed=seed) for seed in range(6)])
    assert capture.replays == 6 - WARM_UP + 1  # one to be held against the function
    assert len(capture.kept) == 1
    assert capture.generators == [total.generator]
    assert graphed.failure is None


def test_a_graph_keeps_inputs_of_its_own():
    capture = Capture()
    graphed = Total().graphed(capture)
    for _ in range(WARM_UP + 1):
        values = inputs()
        graphed(*values)
    [kept] = capture.kept
    assert same(kept, values)
    assert not {x.data_ptr() for x in kept} & {x.data_ptr() for x in values}


@pytest.mark.parametrize("other", [{"rows": 4}, {"number": torch.bfloat16}], ids=str)
def test_inputs_of_another_kind_go_to_the_function(other):
    capture = Capture()
    graphed, plain = Total().graphed(capture), Total()
    held_against_the_function(graphed, plain, [inputs()] * 4)
    before = capture.replays
    held_against_the_function(graphed, plain, [inputs(**other)] * 4)
    assert capture.replays == before
    held_against_the_function(graphed, plain, [inputs()])
    assert capture.replays == before + 1
    assert len(capture.kept) == 1


def test_what_never_comes_thrice_in_a_row_is_not_graphed():
    capture = Capture()
    held_against_the_function(Total().graphed(capture), Total(), [inputs(rows) for rows in (2, 2, 3, 2, 2, 3, 3)])
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

    def capture(*arguments):
        calls.append(arguments)
        raise error

    graphed = Total().graphed(capture)
    held_against_the_function(graphed, Total(), [inputs(seed=seed) for seed in range(6)])
    assert len(calls) == 1
    assert "a graph of the steps failed (no graphs here);" in graphed.failure


@pytest.mark.parametrize("factor", [1.2, float("nan")])
@pytest.mark.parametrize("which", [0, 1])
def test_a_graph_that_gives_other_numbers_is_not_used(factor, which):
    capture = Capture(lambda outputs: outputs[which].mul_(factor))
    graphed = Total().graphed(capture)
    held_against_the_function(graphed, Total(), [inputs(seed=seed) for seed in range(6)])
    assert capture.replays == 1
    assert "it gave other numbers" in graphed.failure


def test_a_graph_that_writes_other_numbers_is_not_used():
    total = Total()
    capture = Capture(lambda outputs: total.total.mul_(2))
    graphed = total.graphed(capture)
    held_against_the_function(graphed, Total(), [inputs(seed=seed) for seed in range(6)])
    assert "it gave other numbers" in graphed.failure


def test_after_a_capture_that_failed_the_same_numbers_are_drawn_as_without_it():
    def fails(function, inputs, generators):
        function(*inputs)
        raise RuntimeError("no memory")

    total, plain = Total(), Total()
    graphed = total.graphed(fails)
    for seed in range(5):
        graphed(*inputs(seed=seed)), plain(*inputs(seed=seed))
    assert "no memory" in graphed.failure
    assert torch.equal(total.generator.get_state(), plain.generator.get_state())


on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@on_a_gpu
def test_a_gpu_goes_on_drawing_after_a_capture_that_failed():
    def drawing(generator):
        def draw(x):
            y = x + torch.rand(3, device="cuda", generator=generator)
            if torch.cuda.is_current_stream_capturing():
                y.sum().item()  # not allowed then
            return [y]

        return draw

    ones, others = (torch.Generator("cuda").manual_seed(1) for _ in range(2))
    graphed, plain = Graphed(drawing(ones), generators=[ones]), drawing(others)
    x = torch.ones(3, device="cuda")
    held_against_the_function(graphed, plain, [[x]] * 5)
    assert graphed.failure


@on_a_gpu
def test_a_graph_that_is_garbage_does_not_spoil_a_new_one():
    x = torch.ones(3, device="cuda")
    old = Graphed(lambda x: [x + 1])
    for _ in range(WARM_UP + 1):
        old(x)
    old.itself = old
    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    try:
        del old
        new = Graphed(lambda x: [torch.stack([x + n for n in range(9)]).sum(0)])
        for _ in range(WARM_UP + 1):
            new(x)
    finally:
        gc.set_threshold(*thresholds)
    assert new.failure is None
