"""The heat-bath chain of the block model as published: every energy from scratch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import gammaln

from reference.surrogates import philox


class Stream:
    """The counter-based random numbers of one sweep."""

    def __init__(self, *stream: int) -> None:
        self.words = self.draw(*stream)

    @staticmethod
    def draw(*stream: int) -> Iterator[int]:
        n_used = 0
        while True:
            known = philox(*stream, 2 * n_used + 64)
            yield from known[n_used:]
            n_used = len(known)

    def uniform(self) -> float:
        return (next(self.words) >> 11) * 2.0**-53

    def below(self, bound: int) -> int:
        threshold = (2**64 - bound) % bound
        while True:
            product = next(self.words) * bound
            if product % 2**64 >= threshold:
                return product >> 64


def energy(adjacency: np.ndarray, labels: np.ndarray) -> float:
    """Log-posterior of a partition, term by term."""
    n_nodes = len(labels)
    p = adjacency.sum() / n_nodes**2
    groups = np.unique(labels)
    member = labels == groups[:, None]
    n = member.sum(axis=1).astype(float)
    m = member.astype(float) @ adjacency @ member.T
    kappa = m.sum(axis=1)
    one = gammaln(n + 1) + kappa * np.log(n) + gammaln(n) - gammaln(n + kappa)
    inner = np.diag(m) / 2
    one += gammaln(inner + 1) - (inner + 1) * np.log(p * n**2 / 2 + 1)
    two = gammaln(m + 1) - (m + 1) * np.log(p * np.outer(n, n) + 1)
    return float(one.sum() + np.triu(two, 1).sum())


def start(seed: int, chain: int, n_nodes: int, low: int, high: int) -> tuple[np.ndarray, int]:
    stream = Stream(seed, chain, 0)
    k = low + stream.below(high - low + 1)
    return np.array([stream.below(k) for _ in range(n_nodes)]), k


def sweep(
    adjacency: np.ndarray, labels: np.ndarray, k: int, max_groups: int, stream: Stream
) -> tuple[np.ndarray, int]:
    """One sweep; returns labels and number of groups."""
    labels, n_nodes = labels.copy(), len(adjacency)
    for _ in range(n_nodes):
        if stream.uniform() < 1 / (n_nodes + 1):
            if stream.uniform() < 0.5:
                empty = [r for r in range(k) if not (labels == r).any()]
                if empty:
                    labels[labels == k - 1] = empty[stream.below(len(empty))]
                    k -= 1
            elif stream.uniform() < k / (n_nodes + k) and k < max_groups:
                k += 1
        node = stream.below(n_nodes)
        energies = np.empty(k)
        for s in range(k):
            labels[node] = s
            energies[s] = energy(adjacency, labels)
        weights = np.cumsum(np.exp(energies - energies.max()))
        labels[node] = min(np.searchsorted(weights, stream.uniform() * weights[-1], "right"), k - 1)
    return labels, k


def chain(
    adjacency: np.ndarray, seed: int, number: int, n_sweeps: int, low: int, high: int, limit: int
) -> tuple[list[int], list[float], np.ndarray]:
    """Traces of k and E, and the last labels."""
    labels, k = start(seed, number, len(adjacency), low, high)
    ks, energies = [], []
    for j in range(n_sweeps):
        labels, k = sweep(adjacency, labels, k, limit, Stream(seed, number, j + 1))
        ks.append(k)
        energies.append(energy(adjacency, labels))
    return ks, energies, labels
