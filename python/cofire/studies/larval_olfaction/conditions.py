"""Every training of the published study, as a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from cofire._validate import one_of, real
from cofire.errors import InvalidArgumentError

ABLATIONS = ("apl", "gaps", "std")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What distinguishes a training from the canonical one.

    Attributes
    ----------
    name : str
        Folder of its runs.
    title : str
        For figures and tables.
    ablate : tuple of str
        Any of "apl", "gaps", "std": in training and evaluation.
    sparsity : bool
        Whether the sparsity term is part of the loss.
    energy : {"none", "all", "kc"}
        Whose mean rate is added to the loss: nobody's, the average over ORN, LN, PN, KC, or KCs'.
    energy_weight : float
    quantile : float
        Of the LNs' fan-out up to which they are excitatory.
    shuffled : bool
        Whether teacher and student see a shuffled wiring, another for every seed.
    n_odors : int, optional
        Size of the task (see :func:`draw_odors`); default the panel.
    """

    name: str
    title: str
    ablate: tuple[str, ...] = ()
    sparsity: bool = True
    energy: str = "none"
    energy_weight: float = 0.0
    quantile: float = 0.33
    shuffled: bool = False
    n_odors: int | None = None

    def __post_init__(self) -> None:
        for name in self.ablate:
            one_of(name, f"condition {self.name}: ablate", ABLATIONS)
        one_of(self.energy, f"condition {self.name}: energy", ("none", "all", "kc"))
        if real(self.energy_weight, "energy_weight") < 0 or not 0 < self.quantile < 1:
            raise InvalidArgumentError(
                f"condition {self.name}: energy_weight must not be negative and quantile in (0, 1)"
            )

    def to_dict(self) -> dict[str, Any]:
        """Fields that decide the training, as plain values."""
        values = asdict(self)
        del values["title"]
        return {**values, "ablate": list(self.ablate)}


def _energy(kind: str, weight: float) -> Condition:
    where = "all neurons" if kind == "all" else "KCs"
    return Condition(
        name=f"energy_{kind}_{weight:g}",
        title=f"energy of {where}, weight {weight:g}",
        sparsity=False,
        energy=kind,
        energy_weight=weight,
    )


def _quantile(q: float) -> Condition:
    return Condition(name=f"quantile_{q:g}", title=f"excitatory LN quantile {q:g}", quantile=q)


def _complexity(n: int) -> Condition:
    return Condition(name=f"odors_{n}", title=f"{n} odors", n_odors=n)


_ALL = (
    Condition(name="canonical", title="canonical"),
    Condition(name="cross_entropy", title="cross entropy only", sparsity=False),
    *(_energy("all", w) for w in (1.0, 3.0, 15.0, 50.0)),
    *(_energy("kc", w) for w in (3.0, 15.0, 50.0)),
    Condition(name="no_gaps", title="no gap junctions", ablate=("gaps",)),
    Condition(name="no_apl", title="no APL", ablate=("apl",)),
    Condition(name="no_std", title="no short-term depression", ablate=("std",)),
    Condition(name="shuffled", title="shuffled wiring", shuffled=True),
    *(_quantile(q) for q in (0.2, 0.417, 0.5)),
    *(_complexity(n) for n in (7, 14, 56)),
)

CONDITIONS: MappingProxyType[str, Condition] = MappingProxyType({c.name: c for c in _ALL})
"""By name; the complexity experiment takes 28 odors from the canonical training."""
