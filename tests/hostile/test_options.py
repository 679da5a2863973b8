"""Values that no option can have: each is refused in one line that names it, before anything is read, made or taken."""

import os

import pytest

ABSURD = 10**12
SAMPLE, TRAIN = ["sample", "RUN"], ["train", "BOOK", "--out", "new"]
NEURONS, TEXT = ["neurons"], ["RUN", "BOOK"]
SHOW = [*NEURONS, "show", *TEXT]
DEVICES = "here; choose one of auto, "

# The command, an option and its value -> exit status (2 is wrong usage) and what is said.
OPTIONS = [
    (SAMPLE, "--temperature", -1, 1, "temperature is -1.0; give a value from 0 to 1000000"),
    (SAMPLE, "--temperature", "nan", 1, "temperature is nan; give a value from 0"),
    (SAMPLE, "--temperature", "inf", 1, "temperature is inf; give a value from 0"),
    (SAMPLE, "--temperature", "1e-320", 0, ""),
    (SAMPLE, "--top-k", 0, 1, "top_k is 0; give a value from 1 to 1114112"),
    (SAMPLE, "--top-k", -1, 1, "top_k is -1; give a value from 1"),
    (SAMPLE, "--top-k", 10**6, 0, ""),  # all of them
    (SAMPLE, "--top-k", 10**30, 1, "give a value from 1 to 1114112"),
    (SAMPLE, "--top-p", 0, 1, "top_p is 0.0; give a value from 1e-09 to 1"),
    (SAMPLE, "--top-p", 1.001, 1, "top_p is 1.001; give a value from 1e-09 to 1"),
    (SAMPLE, "--top-p", "nan", 1, "top_p is nan; give a value"),
    (SAMPLE, "--min-p", -0.1, 1, "min_p is -0.1; give a value from 0 to 1"),
    (SAMPLE, "--length", -1, 2, "-1 is not in the range x>=0"),
    ([*SAMPLE, "--json"], "--length", ABSURD, 1, "to hold 1 × 1,000,000,000,000 characters takes 100,000 GB of memory"),
    (SAMPLE, "--count", ABSURD, 1, "characters takes 500,000 GB of memory, and there are"),
    (SAMPLE, "--count", 0, 2, "0 is not in the range x>=1"),
    (SAMPLE, "--beam", 0, 1, "beam is 0; give a value from 1 to 1000"),
    (SAMPLE, "--beam", ABSURD, 1, "beam is 1000000000000; give a value from 1 to 1000"),
    (SAMPLE, "--seed", -1, 2, "-1 is not in the range x>=0"),
    (SAMPLE, "--seed", 10**40, 0, ""),  # of any length
    (SAMPLE, "--clamp", "0:0=nan", 1, "the value of unit 0:0 is nan; give a value from -1 to 1"),
    (SAMPLE, "--clamp", "0:99=1", 1, "the unit's index is 99; give a value from 0 to 15"),
    (SAMPLE, "--device", "cuda:99", 1, f"there is no device 'cuda:99' {DEVICES}"),
    (SAMPLE, "--device", "quantum", 1, f"there is no device 'quantum' {DEVICES}"),
    (SAMPLE, "--device", "", 1, f"there is no device '' {DEVICES}"),
    (SHOW, "--unit", "0:16", 1, "the unit's index is 16; give a value from 0 to 15"),
    (SHOW, "--unit", "1:0", 1, "the unit's layer is 1; give a value from 0 to 0"),
    (SHOW, "--unit", f"0:{10**40}", 1, "is no unit; write LAYER:INDEX"),
    (SHOW, "--unit", "0:-1", 1, "'0:-1' is no unit; write LAYER:INDEX"),
    (TRAIN, "--hidden-size", 0, 1, "hidden_size is 0; give a value from 1 to 16384"),
    (TRAIN, "--hidden-size", -3, 1, "hidden_size is -3; give a value from 1 to 16384"),
    (TRAIN, "--hidden-size", ABSURD, 1, "hidden_size is 1000000000000; give a value from 1 to 16384"),
    (
        [*TRAIN, "--hidden-size=16384"],
        "--num-layers",
        64,
        1,
        "takes 2,219 GB of memory, and there are",
    ),
    (TRAIN, "--num-layers", 65, 1, "num_layers is 65; give a value from 1 to 64"),
    (TRAIN, "--embedding-size", -1, 1, "embedding_size is -1; give a value from 0 to 16384"),
    (SHOW, "-o", "missing/a.html", 1, "there is no folder missing; make it, or name another"),
    (SHOW, "-o", ".", 1, ". is a folder; name a file in it"),
    (
        [*SHOW, "--unit=0:0"],
        "-o",
        "a.gif",
        2,
        "a.gif should end in .html, .svg, .png, .json or .txt; or give --format.",
    ),
    ([*SHOW, "--unit=0:0"], "--format", "png", 2, "A PNG picture needs a file; name one with --output."),
    ([*NEURONS, "trace", *TEXT, "--at=9"], "-o", "a.pdf", 2, "a.pdf should end in .html, .svg, .png, .json or .txt"),
    ([*NEURONS, "explore", *TEXT], "-o", "a.png", 2, "a.png should end in .html or .htm."),
    ([*NEURONS, "dump", *TEXT], "-o", "a.csv", 2, "a.csv should end in .npz or .hdf5 or .h5."),
    ([*NEURONS, "gates", *TEXT], "-o", "a.jpg", 2, "a.jpg should end in .png or .svg."),
    (["compare", "RUN", "RUN"], "-o", "missing/a.png", 1, "there is no folder missing; make it, or name another"),
    (["compare", "RUN", "RUN"], "-o", "a.pdf", 2, "a.pdf should end in .png or .svg."),
    (["gradients", *TEXT], "-o", "a.pdf", 2, "a.pdf should end in .png or .svg."),
    (["score", *TEXT], "--html", "missing/a.html", 1, "there is no folder missing; make it, or name another"),
    ([*NEURONS, "dump", *TEXT, "-o=a.npz"], "--signals", "", 1, "signal is ''; choose one of h, c, tanh_c"),
    (
        [*NEURONS, "ablate", *TEXT, "--unit=0:0"],
        "--feature",
        "the",
        1,
        "there is no feature 'the'; 'charrnn neurons features' lists",
    ),
    ([*NEURONS, "ablate", *TEXT, "--unit=0:0"], "--feature", "the=(", 1, "'(' is no regular expression"),
    ([*NEURONS, "ablate", *TEXT, "--unit=0:0"], "--feature", "word_position=x", 1, "there is a feature word_position"),
    (["train", "BOOK"], "--out", "", 2, "It is empty; give a name."),
    (["train", "BOOK"], "--init-from", "", 1, "there is no model ''; give a checkpoint file or a run folder"),
    (["train"], "--resume", "", 2, "It is empty; give a name."),
    (TRAIN, "--batch-size", 0, 1, "batch_size is 0; give a value from 1 to 65536"),
    (TRAIN, "--batch-size", -1, 1, "batch_size is -1; give a value from 1 to 65536"),
    (TRAIN, "--batch-size", ABSURD, 1, "batch_size is 1000000000000; give a value from 1 to 65536"),
    (TRAIN, "--seq-length", -1, 1, "seq_length is -1; give a value from 1 to 65536"),
    (TRAIN, "--seq-length", 10**400, 1, "give a value from 1 to 65536"),
    (TRAIN, "--learning-rate", 0, 1, "learning_rate is 0.0; give a value from 1e-09 to 100"),
    (TRAIN, "--learning-rate", -1, 1, "learning_rate is -1.0; give a value from 1e-09"),
    (TRAIN, "--learning-rate", "nan", 1, "learning_rate is nan; give a value from 1e-09"),
    (TRAIN, "--dropout", 1, 1, "dropout is 1.0; give a value from 0 to 0.95"),
    (TRAIN, "--weight-dropout", 1, 1, "weight_dropout is 1.0; give a value from 0 to 0.95"),
    (TRAIN, "--clip-norm", "nan", 1, "clip_norm is nan; give a value from 0"),
    (TRAIN, "--val-fraction", 1, 1, "leave 0 of 1933 characters to train on; choose smaller fractions"),
    ([*TRAIN, "--val-fraction=0.5"], "--test-fraction", 0.5, 1, "leave 1 of 1933 characters to train on"),
    (TRAIN, "--val-fraction", "nan", 1, "val_fraction is nan; give a value from 0 to 1"),
    (TRAIN, "--min-count", ABSURD, 1, "min_count 1000000000000 leaves no character: all are rarer"),
    (TRAIN, "--steps", 0, 1, "steps is 0; give a value from 1 to 1000000000000"),
    (TRAIN, "--steps", -1, 1, "steps is -1; give a value from 1 to 1000000000000"),
    (TRAIN, "--steps", 10**400, 1, "give a value from 1 to 1000000000000"),
    (TRAIN, "--epochs", "-inf", 1, "epochs is -inf; give a value from"),
    (TRAIN, "--minutes", "nan", 1, "minutes is nan; give a value from"),
    (TRAIN, "--minutes", -1, 1, "minutes is -1.0; give a value from"),
    (TRAIN, "--sample-every", 0, 1, "sample_every is 0; give a value from 1"),
    (TRAIN, "--seed", 2**63, 1, "seed is 9223372036854775808; give a value from 0 to 9223372036854775807"),
    (TRAIN, "--encoding", "klingon", 1, "'klingon' is no text encoding"),
    (TRAIN, "--cell", "mamba", 2, "'mamba' is not one of 'rnn', 'lstm', 'gru', 'peephole'"),
    (TRAIN, "--precision", "float8", 2, "'float8' is not one of 'float32', 'bfloat16'"),
]


@pytest.mark.parametrize(("command", "option", "value", "status", "says"), OPTIONS, ids=lambda value: str(value)[:40])
def test_a_value_that_cannot_be_is_refused_in_one_line(row, run, book, here, command, option, value, status, says):
    places = {"RUN": run, "BOOK": book}
    length = ["--length=5"] if command[0] == "sample" and option != "--length" else []
    row([*(places.get(part, part) for part in command), *length, option, value], status, says)
    assert not os.listdir(here)


def test_what_would_not_fit_is_told_with_the_memory_it_takes_and_there_is(row, book, here, monkeypatch):
    monkeypatch.setattr("charrnn.model.devices.available", lambda: 1e9)
    row(
        ["train", book, "--hidden-size", 4096, "--batch-size", 8, "--seq-length", 64, "--out", "new"],
        1,
        " weights on 8 × 64 characters takes 1.2 GB of memory, and there are 1.0 GB; choose a smaller --hidden-size, "
        "--num-layers, --batch-size or --seq-length",
    )


def test_a_sample_without_end_is_written_as_it_is_drawn(process, run):
    with process("sample", run, "--length", ABSURD) as pipe:
        assert len(pipe.stdout.read(1000)) == 1000
        pipe.stdout.close()
        assert pipe.stderr.read() == b""
    assert pipe.returncode in (0, 141)
