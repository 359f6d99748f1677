"""A small result of every measure that returns more than numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import cofire as cf


def results() -> dict[str, Callable[[], Any]]:
    """Name of the class to a maker of one."""
    rng = np.random.default_rng(3)
    directed = (rng.random((12, 12)) < 0.3) * rng.random((12, 12))
    both = ((directed + directed.T) > 0).astype(float)
    graph = cf.graph
    return {
        "CharacteristicPath": lambda: graph.characteristic_path(directed),
        "Communities": lambda: graph.louvain(directed),
        "Components": lambda: graph.components(directed),
        "ConsensusPartition": lambda: graph.consensus([[0, 0, 1, 1], [0, 1, 1, 1]]),
        "CorePeriphery": lambda: graph.core_periphery(directed),
        "MotifIntensity": lambda: graph.motif_intensity(directed),
        "PartitionDistance": lambda: graph.partition_distance([0, 0, 1, 1], [0, 1, 1, 1]),
        "RichClub": lambda: graph.rich_club(directed),
        "SmallWorldPropensity": lambda: graph.small_world_propensity(both),
        "SmallWorldness": lambda: graph.small_worldness(both, n_null=3),
    }
