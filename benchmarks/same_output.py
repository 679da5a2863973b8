"""Does another checkout print the same? Every command on the same tiny runs in both, what they write compared.

python benchmarks/same_output.py OTHER_CHECKOUT
"""

import argparse
import difflib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).parents[1]
CHANGING = re.compile(r'"(seconds|chars_per_second|created)": [^,}]+|[\d.,]+ (s|min|ms|char/s)\b')


def forged():
    """The commands and the tiny runs of the hostile tests."""
    spec = importlib.util.spec_from_file_location("forged", ROOT / "tests" / "hostile" / "forged.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def printed(folder: Path) -> dict[str, list[str]]:
    """What every command writes on runs of each kind that are in a folder."""
    commands, told = forged(), {}
    for number in range(len(commands.KINDS)):
        for name in commands.COMMANDS:
            for copy, of in (("run", number), ("other", (number + 1) % len(commands.KINDS))):
                shutil.rmtree(folder / copy, ignore_errors=True)
                shutil.copytree(folder / f"honest-{of}", folder / copy)
            with patch("secrets.randbits", return_value=1):  # the seed of what is given none
                status, out, err = commands.called(commands.arguments(name, folder))
            files = sorted(folder.glob("out*"))
            texts = [path.read_text("utf-8", "replace") for path in files if path.suffix in (".html", ".svg", ".json")]
            told[f"{name}, run {number}"] = [CHANGING.sub("…", text) for text in (str(status), out, err, *texts)]
            for path in files:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    return told


def main() -> None:
    """Print the differences; the exit status is 1 where there are any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, help="the other checkout")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)  # a process of one of the checkouts
    options = parser.parse_args()
    if options.write:
        options.write.write_text(json.dumps(printed(options.checkout)), "utf-8")
        return
    with tempfile.TemporaryDirectory() as name:
        forged().honest(Path(name))
        told = []
        for checkout in (options.checkout.absolute(), ROOT):
            into = Path(name, "told.json")
            env = os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
            subprocess.run([sys.executable, __file__, name, "--write", str(into)], env=env, check=True)
            told.append(json.loads(into.read_text("utf-8")))
    differing = [command for command in told[1] if told[0][command] != told[1][command]]
    for command in differing:
        print(f"\n{command}")
        for old, new in zip(*(each[command] for each in told), strict=True):
            lines = difflib.unified_diff(old.split("\n"), new.split("\n"), n=0, lineterm="")
            sys.stdout.writelines(f"{line[:200]}\n" for line in lines)
    print(f"{len(told[1])} outputs, {len(differing)} different")
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
