"""Classes, connections, chains and motifs by their definitions, pair after pair."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np


def pair_class(a, b):
    """Class of a pair of sets of assemblies (pre, post)."""
    if a and b:
        return "shared" if a & b else "disjoint"
    if not a and not b:
        return "shared_no_a"
    return "no_a_a" if b else "a_no_a"


def matches(name, union):
    unions = {
        "no_a_to_any": ("shared_no_a", "no_a_a"),
        "a_to_any": ("shared", "disjoint", "a_no_a"),
    }
    return name in unions.get(union, (union,))


def per_cell(weights, membership, name, side, chains=None, n_middle=1):
    """B and W of each cell of one side in a class, as dicts; weights (n, n), ids 0..n-1."""
    n = len(weights)
    number = (weights > 0).astype(int) if chains is None else chains
    b, w = {}, {}
    for cell in range(n):
        partners = []
        for other in range(n):
            pre, post = (cell, other) if side == "out" else (other, cell)
            if pre == post or pre not in membership or post not in membership:
                continue
            if matches(pair_class(membership[pre], membership[post]), name):
                partners.append((pre, post))
        if partners:
            found = sum(number[p] for p in partners)
            b[cell] = found / (n_middle * len(partners))
            if found:
                w[cell] = sum(weights[p] for p in partners) / found
    return b, w


def chains(weights, middle):
    """Number of chains and summed products for every pair, three loops."""
    n = len(weights)
    count, total = np.zeros((n, n), dtype=int), np.zeros((n, n))
    for j in range(n):
        for k in middle:
            for i in range(n):
                if len({j, k, i}) == 3 and weights[j, k] > 0 and weights[k, i] > 0:
                    count[j, i] += 1
                    total[j, i] += weights[j, k] * weights[k, i]
    return count, total


def n_motifs(adjacency, edges, types, induced, labels):
    """Occurrences of a pattern: sets of cells with one order, or more, that fit (by images)."""
    n, k = len(adjacency), max(map(max, edges)) + 1
    images = set()
    for cells in combinations(range(n), k):
        for order in permutations(cells):
            if any(t not in ("any", labels[c]) for t, c in zip(types, order, strict=True)):
                continue
            pairs = [(a, b) for a in range(k) for b in range(k) if a != b]
            there = {(a, b) for a, b in pairs if adjacency[order[a], order[b]]}
            if set(edges) <= there and (not induced or there == set(edges)):
                # The same edges and typed cells are the same occurrence.
                image = frozenset((order[a], order[b]) for a, b in edges)
                images.add((image, frozenset(zip(order, types, strict=True))))
    return len(images)
