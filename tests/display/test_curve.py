"""The loss curve is a picture, whatever its title and whatever was measured."""

import pytest

from charrnn.display.curve import draw

LOG = [{"step": 1, "train_nats": 3.0, "val_nats": 3.1}, {"step": 2, "train_nats": 2.0}]


def is_png(path):
    content = path.read_bytes()
    return content.startswith(b"\x89PNG\r\n\x1a\n") and content[-8:-4] == b"IEND"


@pytest.mark.parametrize("title", ["shakespeare", "a$b_{", "$", r"\frac{", "</title>", "a\nb", "", "война", "戦争"])
def test_any_title_can_stand_over_a_curve(tmp_path, title):
    draw(LOG, title, tmp_path / "loss.png")
    assert is_png(tmp_path / "loss.png")


@pytest.mark.parametrize(
    "log", [LOG, LOG[:1], LOG[1:], [{"step": 1, "train_nats": 3.0, "val_nats": None}]], ids=["both", "1", "no", "none"]
)
def test_a_curve_needs_no_validation_loss(tmp_path, log):
    draw(log, "title", tmp_path / "loss.png")
    assert is_png(tmp_path / "loss.png")


def test_a_curve_is_a_png_under_any_name(tmp_path):
    draw(LOG, "title", tmp_path / "loss.tmp")
    assert is_png(tmp_path / "loss.tmp")
