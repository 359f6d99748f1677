"""Networks that tests of graph measures draw, and their kernels without compilation."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import strategies as st

from cofire.graph._jit import Kernel


def _matrix(n: int, cells: list[int]) -> np.ndarray:
    return np.array(cells, dtype=np.float64).reshape(n, n)


def _square(cell: st.SearchStrategy[int]) -> st.SearchStrategy[np.ndarray]:
    return st.integers(0, 8).flatmap(
        lambda n: st.lists(cell, min_size=n * n, max_size=n * n).map(lambda c: _matrix(n, c))
    )


# Directed, weighted, half empty; with self-loops, isolated nodes and separate pieces.
directed = _square(st.sampled_from([0, 0, 0, 1, 2, 3, 7]))
signed = _square(st.sampled_from([0, 0, 0, -2, -1, 1, 3]))
undirected = directed.map(lambda a: a + a.T)
seeds = st.integers(0, 2**32 - 1)


def relabelled(adjacency: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The same network with its nodes in another order, and that order."""
    order = np.random.default_rng(seed).permutation(len(adjacency))
    return adjacency[np.ix_(order, order)], order


def random_network(n: int, density: float, seed: int, undirected: bool = False) -> np.ndarray:
    """Log-normal weights, no self-loops."""
    rng = np.random.default_rng(seed)
    weights = (rng.random((n, n)) < density) * rng.lognormal(0, 1, (n, n))
    np.fill_diagonal(weights, 0)
    return weights + weights.T if undirected else weights


def as_networkx(adjacency: np.ndarray, directed: bool) -> Any:
    """The same network for networkx, without self-loops."""
    without = adjacency - np.diag(np.diag(adjacency))
    return nx.from_numpy_array(without, create_using=nx.DiGraph if directed else nx.Graph)


def without_compilation(monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
    """Run the kernels of modules as plain Python."""
    kernels = [k for module in modules for k in vars(module).values() if isinstance(k, Kernel)]
    assert kernels
    for kernel in kernels:
        monkeypatch.setattr(kernel, "_compiled", kernel._function)
