"""``cofire warmup``: what it compiles and what it says."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest
from typer.testing import CliRunner

import cofire.graph
from cofire.cli import app
from cofire.cli.warmup import modules
from cofire.graph import _jit

runner = CliRunner()


@pytest.fixture
def three_kernels(monkeypatch):
    """Fresh ones of cheap kernels: all of the package would take a minute without a cache."""
    for name in modules():
        importlib.import_module(name)
    names = ("_fill", "clustering_of", "path_sums")
    here = [k for k in _jit.kernels() if k._function.__module__ == "cofire.graph._bitsets"]
    chosen = [k for k in here if k.name in names]
    fresh = [_jit.Kernel(kernel._function, kernel.signature) for kernel in chosen]
    monkeypatch.setattr(_jit, "_KERNELS", fresh)
    return fresh


def test_warmup_compiles_every_kernel_and_says_how_many(three_kernels):
    assert all(kernel._compiled is None for kernel in three_kernels)
    first = runner.invoke(app, ["warmup"])
    assert first.exit_code == 0, first.output
    assert all(kernel._compiled is not None for kernel in three_kernels)
    assert re.search(r"3 kernels are ready: \d compiled, \d read from the cache, in", first.output)


def test_a_second_warmup_reads_the_cache(three_kernels):
    for kernel in three_kernels:
        kernel.compile()
    for kernel in three_kernels:
        kernel._compiled = None
    again = runner.invoke(app, ["warmup"])
    assert "3 kernels are ready: 0 compiled, 3 read from the cache" in again.output


def test_quiet_warmup_says_nothing(three_kernels):
    result = runner.invoke(app, ["warmup", "-q"])
    assert result.exit_code == 0
    assert result.output == ""


def test_warmup_looks_into_every_module_of_the_graph_package():
    found = set(modules())
    there = {f"cofire.graph.{m.name}" for m in pkgutil.iter_modules(cofire.graph.__path__)}
    assert there <= found
    assert "cofire.graph._bitsets" in found


def test_a_failure_of_the_cache_is_said_in_one_line(three_kernels, monkeypatch):
    def refuse(self):
        raise OSError(13, "Permission denied", "/cache")

    monkeypatch.setattr(_jit.Kernel, "compile", refuse)
    result = runner.invoke(app, ["warmup"])
    assert result.exit_code == 2
    assert "error: /cache: Permission denied" in result.output
