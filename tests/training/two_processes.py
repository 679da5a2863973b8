"""What test_group.py has torchrun start twice over: runs by two processes, whose ends it then compares.

python -m torch.distributed.run --nproc-per-node 2 tests/training/two_processes.py FOLDER
"""

import math
import os
import sys
from pathlib import Path

import torch

import charrnn.training.trainer as trainer_module
from charrnn.model.config import ModelConfig
from charrnn.model.network import CharRNN
from charrnn.text.corpus import Corpus
from charrnn.text.sources import Text
from charrnn.training.config import TrainingConfig
from charrnn.training.group import Group, joined
from charrnn.training.trainer import Trainer

CORPUS = Corpus.from_text(Text("song", "abcade\n" * 60 + "abcde"), 0.2, 0)
STEPS = 25  # some more than two epochs


def new_trainer(group: Group, batch_size: int, dropout: float = 0.0, **options: float) -> Trainer:
    sizes = {"num_layers": 2, "hidden_size": 5, "embedding_size": 3, "dropout": dropout}
    model = CharRNN(ModelConfig(len(CORPUS.vocabulary), **sizes), torch.Generator().manual_seed(1 + group.rank))
    budget = options or {"steps": STEPS}
    config = TrainingConfig(batch_size=batch_size, seq_length=6, learning_rate=1e-2, sample_every=10, **budget)
    return Trainer(model, CORPUS, config, group=group)


def outcome(trainer: Trainer, progress: object) -> dict[str, object]:
    return {"state": trainer.state(), "progress": progress, "stopped": trainer.stopped}


def main() -> None:
    """Keep what came out of each run, as each process has it."""
    trainer_module.REPORT_SECONDS = math.inf  # no report by the clock, of which a slow machine has more
    with joined(torch.device("cpu")) as group:
        read = group.found_by_the_first(lambda: ["é\ud800", [group.rank, None]])
        together = new_trainer(group, 3)
        found = {"together": outcome(together, list(together.run()))}
        straight = new_trainer(group, 3, dropout=0.5)
        found["straight"] = outcome(straight, list(straight.run())[-1])
        broken_off = new_trainer(group, 3, dropout=0.5)
        state = next(broken_off.state() for progress in broken_off.run() if progress.step == 10)
        state = {name: tensor.clone() for name, tensor in state.items()}
        resumed = new_trainer(group, 3, dropout=0.5)
        resumed.restore(state)
        found["resumed"] = outcome(resumed, list(resumed.run())[-1])
        stopped = new_trainer(group, 3)
        last = list(stopped.run(stop=lambda: group.rank == 1 and stopped.step == 6))[-1]
        found["stopped"] = outcome(stopped, last)
        by_the_clock = new_trainer(group, 3, minutes=0.01)
        found["read"] = read
        found["clock"] = outcome(by_the_clock, list(by_the_clock.run())[-1])
        torch.save(found, Path(sys.argv[1]) / f"{group.rank}.pt")
    os._exit(0)


if __name__ == "__main__":
    main()
