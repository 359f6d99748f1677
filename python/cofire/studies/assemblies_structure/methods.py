"""What to cite for each method that a run used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cofire.report import Method

if TYPE_CHECKING:
    from cofire.studies.assemblies_structure.workflow import AssembliesStructure

_STUDY = Method(
    "Assemblies and the connectome",
    "Wagner-Carena et al. 2025, bioRxiv",
    "10.1101/2025.04.24.649900",
)
_METHODS = {
    "chi": Method(
        "Chi-squared with continuity correction",
        "Yates 1934, J R Stat Soc",
        "10.2307/2983604",
    ),
    "ranks": Method(
        "Rank-sum and signed-rank tests",
        "Wilcoxon 1945, Biometrics",
        "10.2307/3001968",
    ),
    "wilson": Method(
        "Intervals of shares",
        "Wilson 1927, J Am Stat Assoc",
        "10.1080/01621459.1927.10502953",
    ),
    "betweenness": Method(
        "Betweenness",
        "Brandes 2001, J Math Sociol",
        "10.1080/0022250X.2001.9990249",
    ),
    "permutation": Method(
        "p of permutation tests",
        "Phipson & Smyth 2010, Stat Appl Genet Mol Biol",
        "10.2202/1544-6115.1585",
    ),
    "louvain": Method(
        "Communities (Louvain)",
        "Blondel et al. 2008, J Stat Mech",
        "10.1088/1742-5468/2008/10/P10008",
    ),
    "rewire": Method(
        "Shuffles at equal degrees",
        "Maslov & Sneppen 2002, Science",
        "10.1126/science.1065103",
    ),
    "motifs": Method(
        "Motifs of three cells",
        "Milo et al. 2002, Science",
        "10.1126/science.298.5594.824",
    ),
    "rich": Method(
        "Rich club",
        "Colizza et al. 2006, Nat Phys",
        "10.1038/nphys209",
    ),
    "clustering": Method(
        "Clustering of directed networks",
        "Fagiolo 2007, Phys Rev E",
        "10.1103/PhysRevE.76.026107",
    ),
    "measures": Method(
        "Measures of brain networks",
        "Rubinov & Sporns 2010, NeuroImage",
        "10.1016/j.neuroimage.2009.10.003",
    ),
    "small": Method(
        "Small-world propensity",
        "Muldoon, Bridgeford & Bassett 2016, Sci Rep",
        "10.1038/srep22057",
    ),
    "vi": Method(
        "Agreement of partitions",
        "Meilă 2007, J Multivar Anal",
        "10.1016/j.jmva.2006.11.013",
    ),
}


def methods_used(study: AssembliesStructure) -> list[Method]:
    """Methods of the results that exist."""
    done = study._done
    used = [_STUDY] if "monosynaptic" in done and study.has_assemblies else []
    names = []
    if "monosynaptic" in done:
        names += ["chi", "ranks", "wilson"]
    if "centralities" in done or study.with_network:
        names.append("betweenness")
    if "nulls" in done:
        names.append("permutation")
    if "agreement" in done or study.with_network:
        names += ["louvain", "vi"]
    if study.with_network:
        names += ["rewire", "motifs", "rich", "clustering", "measures", "small"]
    return [*used, *(_METHODS[name] for name in names)]
