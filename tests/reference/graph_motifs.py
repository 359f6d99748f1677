"""Motifs of three nodes: look at every triple, and every subset of its edges."""

from __future__ import annotations

import itertools

import numpy as np

# Motifs 1 to 13 on nodes a, b, c, as constrained_rnn.md writes them.
EDGES = (
    "ab cb", "ab bc", "ba bc", "ab ba cb", "ab cb ac", "ab ba bc", "ab bc ca", "ba bc ac ca",
    "ab ba bc cb", "ab bc ac ca", "ab cb ac ca", "ab bc cb ac ca", "ab ba bc cb ac ca",
)  # fmt: skip
MAN = (
    "021U", "021C", "021D", "111D", "030T", "111U", "030C", "120D", "201", "120C", "120U", "210",
    "300",
)  # fmt: skip


def shape_of(edges):
    """The same for edge sets on three nodes that only differ in the names of nodes."""
    names = sorted({node for edge in edges for node in edge})
    renamed = []
    for order in itertools.permutations(range(len(names))):
        place = dict(zip(names, order, strict=True))
        renamed.append(tuple(sorted((place[a], place[b]) for a, b in edges)))
    return min(renamed)


SHAPES = {shape_of([tuple(edge) for edge in edges.split()]): k for k, edges in enumerate(EDGES)}


def census(w, kind="structural"):
    """Counts, intensities and coherences, each (13, n)."""
    n = len(w)
    found = np.zeros((3, 13, n))
    for triple in itertools.combinations(range(n), 3):
        edges = [(i, j) for i, j in itertools.permutations(triple, 2) if w[i, j] != 0]
        sizes = range(2, len(edges) + 1) if kind == "functional" else [len(edges)]
        for some in itertools.chain.from_iterable(itertools.combinations(edges, k) for k in sizes):
            if len({node for edge in some for node in edge}) < 3:
                continue
            weights = np.array([abs(w[edge]) for edge in some])
            intensity = np.prod(weights) ** (1 / len(some))
            values = (1.0, intensity, intensity / weights.mean())
            for value, table in zip(values, found, strict=True):
                table[SHAPES[shape_of(some)], list(triple)] += value
    return found
