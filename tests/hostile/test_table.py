"""The page that lists every case is the one that the tables make."""

import importlib.util
from pathlib import Path

import pytest


def test_the_page_of_all_cases_is_current():
    spec = importlib.util.spec_from_file_location("table", Path(__file__).parent / "table.py")
    table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    if not table.PAGE.exists():
        pytest.skip("the documents are not here")
    assert table.PAGE.read_text("utf-8") == table.page(), "write it again: python tests/hostile/table.py"
