"""The README's examples that need PyTorch; .ci/check_clean_copy runs the others without it."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def blocks(info: str) -> list[str]:
    return re.findall(rf"^```{info}\n(.*?)^```$", README.read_text(), flags=re.S | re.M)


def test_examples_that_need_torch_are_marked():
    plain, marked = blocks("python"), blocks("python torch")
    assert plain
    assert marked
    assert not any("torch" in block or "cofire.nn" in block for block in plain)
    assert len(blocks("python[^\n]*")) == len(plain) + len(marked)


def test_a_connectome_in_two_tables_becomes_a_network_that_learns(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (example,) = blocks("python torch")
    names: dict = {"__name__": "readme"}
    exec(compile(example, str(README), "exec"), names)

    assert [p.name for p in names["plan"].populations] == names["types"]
    assert len(names["plan"].pathways) == 6
    assert names["losses"][-1] < 0.7 * names["losses"][0]
    assert names["trained"] > 0.9
    assert names["ablated"] < 0.6
    assert "loss" in capsys.readouterr().out
