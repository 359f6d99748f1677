"""Every published experiment as a table: which models, ablated how, measured by what."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from cofire.studies.larval_olfaction.conditions import CONDITIONS
from cofire.studies.larval_olfaction.evaluation import PARTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Models of one training, as they are or ablated afterwards.

    Attributes
    ----------
    name, title : str
    condition : str
        The training, a key of :data:`CONDITIONS`.
    ablate : tuple of str
        After training: any of "apl", "gaps", "std".
    parts : tuple of str
        Of the evaluation, beside accuracy and sparsity.
    """

    name: str
    title: str
    condition: str
    ablate: tuple[str, ...] = ()
    parts: tuple[str, ...] = ("decorrelation",)

    @property
    def posthoc(self) -> bool:
        """Whether trained models are ablated."""
        return bool(self.ablate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A published experiment.

    Attributes
    ----------
    name, title : str
    label : str
        In the published study, "" where it has none.
    variants : tuple of str
        Keys of :data:`VARIANTS`.
    mixtures : bool
        Whether mixtures are presented to the canonical models.
    """

    name: str
    title: str
    label: str = ""
    variants: tuple[str, ...] = ("canonical",)
    mixtures: bool = False

    @property
    def conditions(self) -> tuple[str, ...]:
        """Trainings that it needs."""
        return tuple(dict.fromkeys(VARIANTS[name].condition for name in self.variants))


_SERIES = ("decorrelation", "concentration")
_PARTS = {
    "canonical": PARTS,
    "no_apl": ("decorrelation",),
    "no_std": _SERIES,
    "odors_7": (),
    "odors_14": (),
    "odors_56": (),
}
_POSTHOC = (
    ("no_gaps_posthoc", "gaps", ("decorrelation",)),
    ("no_apl_posthoc", "apl", ("decorrelation",)),
    ("no_std_posthoc", "std", _SERIES),
)


def _variants() -> dict[str, Variant]:
    trained = [
        Variant(
            name=name,
            title=condition.title,
            condition=name,
            parts=_PARTS.get(name, ("decorrelation",)),
        )
        for name, condition in CONDITIONS.items()
    ]
    ablated = [
        Variant(
            name=name,
            title=f"{CONDITIONS[name.removesuffix('_posthoc')].title}, after training",
            condition="canonical",
            ablate=(what,),
            parts=parts,
        )
        for name, what, parts in _POSTHOC
    ]
    return {v.name: v for v in (*trained, *ablated)}


VARIANTS: MappingProxyType[str, Variant] = MappingProxyType(_variants())
"""By name."""

_RETRAINED = ("no_gaps", "no_apl", "shuffled", "no_std")
_ALL = (
    Experiment(name="canonical", title="The canonical model"),
    Experiment(
        name="energy",
        title="Energy in place of the sparsity term",
        label="R1",
        variants=(
            "canonical",
            "cross_entropy",
            *(name for name in CONDITIONS if name.startswith("energy_")),
        ),
    ),
    Experiment(name="consistency", title="Agreement of models across seeds", label="R2"),
    Experiment(
        name="ablations",
        title="Ablations, in training and afterwards",
        label="R3",
        variants=("canonical", *_RETRAINED, *(name for name, _, _ in _POSTHOC)),
    ),
    Experiment(
        name="quantiles",
        title="Share of excitatory local neurons",
        label="R4",
        variants=("quantile_0.2", "canonical", "quantile_0.417", "quantile_0.5"),
    ),
    Experiment(name="mixtures", title="Mixtures of odors", label="R5", mixtures=True),
    Experiment(
        name="complexity",
        title="Number of odors",
        label="R6",
        variants=("odors_7", "odors_14", "canonical", "odors_56"),
    ),
)
EXPERIMENTS: MappingProxyType[str, Experiment] = MappingProxyType({e.name: e for e in _ALL})
"""By name."""

POSTHOC: MappingProxyType[str, Experiment] = MappingProxyType(
    {
        "ablations": Experiment(
            name="ablations",
            title="Ablations after training",
            label="R3",
            variants=("canonical", *(name for name, _, _ in _POSTHOC)),
        )
    }
)
"""Parts of experiments that need no training but the canonical one."""
