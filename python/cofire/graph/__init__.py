"""Measures of directed and weighted networks, from thirty cells to a brain.

Every function takes the same adjacency: an ndarray, a scipy.sparse matrix, a networkx graph or a
:class:`cofire.Connectome`, ``[pre, post]``, in which ``A[i, j] != 0`` is an edge from i to j.
Self-loops are left out of every measure; ``weighted=False`` looks only at which entries are not
zero; ``directed=False`` wants a symmetric matrix and refuses another one. Where paths have lengths,
the length of an edge is 1 / weight.

What a well-kept library does well is called, not written again:

=============================================  =====================================================
components, order of sources for locality      ``scipy.sparse.csgraph``
communicability and subgraph centrality        ``scipy.linalg.expm`` (unnormalized, directed),
                                               ``scipy.linalg.eigh`` (undirected)
eigenvector, spectral radius, bisection        ``scipy.sparse.linalg.eigsh``, ``eigs``
products of sparse matrices                    ``scipy.sparse``
forms of graphs                                networkx, as input and as oracle of the tests
=============================================  =====================================================

Everything else is compiled here, because it was measured to be faster than networkx, bctpy and
igraph (``bench/bench_graph_*.py``), or because they have no directed or weighted form. igraph is
never needed.
"""

from __future__ import annotations

import importlib
from typing import Any

# Module -> its public names. Nothing is loaded before it is used. No module has the name of a
# function: importing it would hide the function.
_MODULES = {
    "brandes": ("betweenness", "edge_betweenness"),
    "nearness": ("closeness", "harmonic_closeness"),
    "clubs": ("RichClub", "core_number", "rich_club", "s_core"),
    "triangles": ("clustering", "transitivity"),
    "communities": (
        "Communities",
        "greedy_modularity",
        "louvain",
        "modularity_q",
        "spectral_modularity",
    ),
    "partitions": (
        "ConsensusPartition",
        "PartitionDistance",
        "agreement",
        "consensus",
        "partition_distance",
    ),
    "reach": ("Components", "components"),
    "periphery": ("CorePeriphery", "core_periphery"),
    "degrees": ("degree", "density", "reciprocity", "strength"),
    "efficiency": ("global_efficiency", "local_efficiency"),
    "entropy": ("weight_entropy",),
    "mixing": ("assortativity",),
    "motifs": ("MotifIntensity", "motif_census", "motif_intensity"),
    "neighbors": ("edge_neighborhood_overlap", "matching_index", "topological_overlap"),
    "paths": ("CharacteristicPath", "characteristic_path", "distance"),
    "rewiring": ("lattice", "rewire", "threshold_proportional"),
    "roles": ("module_zscore", "participation"),
    "propensity": ("SmallWorldPropensity", "small_world_propensity"),
    "small_world": ("SmallWorldness", "small_worldness"),
    "spectral": ("communicability", "eigenvector", "katz", "pagerank", "subgraph_centrality"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
