"""Small connectomes with assemblies, for tests of structure."""

from __future__ import annotations

import numpy as np
import pandas as pd

import cofire as cf
from cofire import structure


def made_wiring(n=40, seed=0, density=0.25, excess=1.0, n_assemblies=4, none=0.2):
    """A connectome of n cells with sizes, half of the second part inhibitory, and memberships.

    Pairs of one assembly are connected `excess` times as often; sizes do not depend on it.
    """
    rng = np.random.default_rng(seed)
    member = rng.random((n, n_assemblies)) < 0.35
    member[rng.random(n) < none] = False
    shared = member.astype(int) @ member.T.astype(int) > 0
    chance = np.where(shared, density * excess, density)
    linked = (rng.random((n, n)) < chance) & ~np.eye(n, dtype=bool)
    count = linked * rng.integers(1, 4, (n, n))
    size = linked * np.exp(rng.normal(-5, 0.8, (n, n)))
    ids = np.arange(n) + 864_691_132_760_000_000
    table = pd.DataFrame(
        {
            "classification_system": np.where(np.arange(n) % 3 == 2, "inhibitory", "excitatory"),
            "x": rng.normal(0, 100, n),
            "y": rng.normal(0, 100, n),
            "z": rng.normal(0, 100, n),
        },
        index=ids,
    )
    wiring = cf.Connectome.from_matrix(count, ids=ids, psd=size, cells=table)
    membership = {
        i: set(np.flatnonzero(row).tolist()) for i, row in zip(ids.tolist(), member, strict=True)
    }
    return wiring, membership, size


def results():
    """One of each result class, by name."""
    wiring, membership, size = made_wiring(24)
    classes = structure.pair_classes(membership, wiring)
    groups = pd.DataFrame({"group": ["a", "a", "b"], "x": [1.0, 2.0, 3.0]})
    ids = wiring.row_ids
    return {
        "Centralities": lambda: structure.Centralities(
            pd.DataFrame({"cell": ids[:3], "group": groups["group"], "out_degree": groups["x"]}),
            structure.compare_groups(groups),
            24,
        ),
        "ClassConnections": lambda: structure.chains(wiring, classes, by="assembly"),
        "CommunityAgreement": lambda: structure.community_agreement(
            wiring, classes, communities=np.arange(24) % 3, n_null=5
        ),
        "ContingencyTest": lambda: cf.stats.chi_squared([[1, 2], [3, 4]]),
        "CouplingModel": lambda: structure.explain_coupling(
            wiring, np.corrcoef(size + size.T), predictors=["direct", "distance"], n_null=5
        ),
        "DistanceControl": lambda: structure.distance_control(classes, wiring, connectome=wiring),
        "MotifCounts": lambda: structure.find_motif(
            wiring, [(0, 1), (1, 2)], ["excitatory", None, None], n_null=3, shuffle="types"
        ),
        "PairClasses": lambda: classes,
        "PermutationNull": lambda: structure.permutation_null(wiring, classes, n=5),
        "Power": lambda: structure.power(wiring, classes, excess=[1, 2], n=3),
        "TailMixture": lambda: structure.tail_mixture(structure.monosynaptic(wiring, classes)),
    }
