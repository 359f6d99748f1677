"""What to cite for each method that a run used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cofire.report import Method

if TYPE_CHECKING:
    from cofire.studies.assemblies_function.workflow import AssembliesFunction

_STUDY = Method(
    "Random ensembles, reliability, clip decoder, trigger frames",
    "Wagner-Carena et al. 2025, bioRxiv",
    "10.1101/2025.04.24.649900",
)
_SGC = Method(
    "Similarity-Graph Clustering",
    "Mölter, Avitan & Goodhill 2018, BMC Biol",
    "10.1186/s12915-018-0606-4",
)
_BLOCKS = Method(
    "Number of groups", "Newman & Reinert 2016, Phys Rev Lett", "10.1103/PhysRevLett.117.078301"
)
_COMPARED = Method(
    "Detectors side by side, BestMatch",
    "Mölter, Avitan & Goodhill 2018, BMC Biol",
    "10.1186/s12915-018-0606-4",
)
_ICA = Method(
    "ICA of assemblies",
    "Lopes-dos-Santos, Ribeiro & Tort 2013, J Neurosci Methods",
    "10.1016/j.jneumeth.2013.04.010",
)
_ISOMAP = Method(
    "Isomap", "Tenenbaum, de Silva & Langford 2000, Science", "10.1126/science.290.5500.2319"
)
_UPSET = Method(
    "UpSet figures", "Lex et al. 2014, IEEE Trans Vis Comput Graph", "10.1109/TVCG.2014.2346248"
)
_PLANE = Method(
    "Kolmogorov-Smirnov test in the plane",
    "Fasano & Franceschini 1987, Mon Not R Astron Soc",
    "10.1093/mnras/225.1.155",
)
_BH = Method(
    "Correction for the number of tests",
    "Benjamini & Hochberg 1995, J R Stat Soc B",
    "10.1111/j.2517-6161.1995.tb02031.x",
)
_GINI = Method(
    "Gini coefficient as sparsity",
    "Hurley & Rickard 2009, IEEE Trans Inf Theory",
    "10.1109/TIT.2009.2027527",
)
_TUNING = Method(
    "Orientation and direction selectivity",
    "Mazurek, Kager & Van Hooser 2014, Front Neural Circuits",
    "10.3389/fncir.2014.00092",
)


def methods_used(study: AssembliesFunction) -> list[Method]:
    """Methods of the results that exist."""
    done, names = study._done, study.config.detectors
    used = [_STUDY]
    if "detection" in done and done["detection"].name != "given":
        if "sgc" in names:
            used += [_SGC, _BLOCKS]
        if any(name != "sgc" for name in names):
            used.append(_COMPARED)
        if any(name.startswith(("ica", "promax")) for name in names):
            used.append(_ICA)
    for step, method in (
        ("distances", _ISOMAP),
        ("overlap", _UPSET),
        ("spatial", _PLANE),
        ("pairs", _BH),
        ("sparsity", _GINI),
        ("gratings", _TUNING),
    ):
        if step in done:
            used.append(method)
    return used
