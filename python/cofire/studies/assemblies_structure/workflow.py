"""The study as an object: put wiring and assemblies in, ask for results step by step."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import structure
from cofire.errors import InvalidArgumentError, MissingDataError
from cofire.studies.assemblies_structure import cell_classes, steps
from cofire.studies.assemblies_structure import network as measures
from cofire.studies.assemblies_structure.config import StructureConfig
from cofire.studies.assemblies_structure.sources import (
    Material,
    Sources,
    coupling_table,
    read_material,
)

if TYPE_CHECKING:
    import pandas as pd

_log = logging.getLogger("cofire.studies.assemblies_structure")

ASSEMBLY_STEPS = (
    "monosynaptic", "chains_excitatory", "chains_inhibitory", "centralities", "tail", "distance",
    "by_assembly", "nulls", "power", "agreement", "motifs", "coupling", "map",
)  # fmt: skip
_NEED_MEMBERS = ("centralities", "by_assembly", "agreement", "motifs")
_NEED_PAIRS = ("tail", "nulls", "power")
NETWORK_STEPS = ("class_wiring", "class_agreement")
Progress = Callable[[int, int], None]


class AssembliesStructure:
    """Assemblies and the connectome beneath them.

    Every step is a method that computes on first call and remembers its result: ``monosynaptic``,
    ``chains``, ``centralities``, ``tail``, ``distance``, ``by_assembly``, ``nulls``, ``power``,
    ``agreement``, ``motifs``, ``coupling``, ``map``; and, of the whole network, ``network``,
    ``class_wiring``, ``class_agreement``. Steps that the data do not allow raise
    :class:`cofire.errors.MissingDataError`; :meth:`missing` says so beforehand.

    Parameters
    ----------
    sources : Sources
    config : StructureConfig, optional
    threads : int, optional
        Results do not depend on it.
    **settings
        Fields of :class:`StructureConfig`, instead of `config`.

    Examples
    --------
    >>> import numpy as np, cofire as cf
    >>> from cofire.studies.assemblies_structure import AssembliesStructure, Sources
    >>> wiring = cf.Connectome.from_matrix(np.random.default_rng(0).poisson(0.2, (40, 40)))
    >>> assemblies = {i: str(i // 10) if i < 30 else "" for i in range(40)}
    >>> study = AssembliesStructure(Sources(connectome=wiring, assemblies=assemblies))
    >>> study.missing("tail")
    'the connectome has no sizes of synapses'
    >>> len(study.monosynaptic().tests)
    10
    """

    def __init__(
        self,
        sources: Sources,
        config: StructureConfig | None = None,
        *,
        threads: int | None = None,
        **settings: Any,
    ) -> None:
        if config is not None and settings:
            raise InvalidArgumentError(
                f"pass config or single settings, not both (got {', '.join(settings)} too)"
            )
        self.config = config or StructureConfig.from_mapping(settings, "AssembliesStructure")
        self.sources = sources
        self.threads = threads
        self._done: dict[str, Any] = {}
        self._material: Material | None = None
        self._listener: Callable[[str, Any], object] | None = None
        self._progress: Progress | None = None

    # --- what goes in -----------------------------------------------------------------------------

    @property
    def material(self) -> Material:
        """Connectomes, classes, positions, and what was taken and dropped."""
        if self._material is None:
            self._material = read_material(self.sources, self.config, threads=self.threads)
        return self._material

    @property
    def has_assemblies(self) -> bool:
        """Whether functional assemblies are given (not only classes of cells)."""
        return self.sources.assemblies is not None

    @property
    def with_network(self) -> bool:
        """Whether the whole network is measured."""
        wanted = self.config.network
        return wanted == "yes" or (wanted == "auto" and not self.has_assemblies)

    @property
    def edge_types(self) -> tuple[str, ...]:
        """Networks that are measured: "all", then the edge types."""
        types = self.material.network.types
        chosen = types if self.config.edge_types is None else self.config.edge_types
        unknown = [name for name in chosen if name not in types]
        if unknown:
            raise InvalidArgumentError(
                f"edge_types: the connectome has no edge type {', '.join(unknown)}; there are "
                f"{', '.join(types) or 'none'}"
            )
        return ("all", *chosen)

    @property
    def step_names(self) -> tuple[str, ...]:
        """All steps in the order of a run, possible or not."""
        network = tuple(f"network_{name}" for name in self.edge_types) if self.with_network else ()
        last = NETWORK_STEPS if self.with_network else ()
        return (*ASSEMBLY_STEPS, *network, *last)

    # --- direct connections and chains ------------------------------------------------------------

    def monosynaptic(self) -> structure.ClassConnections:
        """Direct connections by class of the pair."""
        found: structure.ClassConnections = self._step(
            "monosynaptic",
            lambda: structure.monosynaptic(
                self.material.direct, self._classes(), **self._test_options()
            ),
        )
        return found

    def chains(self, middle: str) -> structure.ClassConnections:
        """Chains through "excitatory" or "inhibitory" cells by class of the pair."""
        found: structure.ClassConnections = self._step(
            f"chains_{middle}",
            lambda: structure.chains(
                self.material.network,
                self._classes(chains=True),
                middle,
                sign_column=self.config.sign_column,
                voxel=self.config.voxel,
                **self._test_options(),
            ),
        )
        return found

    def centralities(self) -> structure.Centralities:
        """Degrees, betweenness, closeness of cells of assemblies and of none."""
        chosen = self.config
        found: structure.Centralities = self._step(
            "centralities",
            lambda: structure.centralities(
                self.material.network,
                self._classes(chains=True),
                alternative=chosen.alternative,
                ranks=chosen.ranks,
                adjust=chosen.correction,
                confidence=chosen.confidence,
                threads=self.threads,
            ),
        )
        return found

    # --- controls ---------------------------------------------------------------------------------

    def tail(self) -> steps.TailAnalysis:
        """Mixture of the sizes and the classes that fill its tail."""
        found: steps.TailAnalysis = self._step(
            "tail",
            lambda: steps.tail_analysis(
                self.monosynaptic(), boundary=self.config.boundary, contrast=self._contrast
            ),
        )
        return found

    def distance(self) -> dict[str, Any]:
        """Control for position: ``control`` (DistanceControl) and ``curve`` (DataFrame)."""

        def compute() -> dict[str, Any]:
            material, chosen = self.material, self.config
            assert material.positions is not None
            control = structure.distance_control(
                self._classes(),
                material.positions,
                connectome=material.direct,
                reference=material.network.row_ids,
                columns=("x", "y", "z"),
                contrast=self._contrast,
                ranks=chosen.ranks,
                adjust=chosen.correction,
                confidence=chosen.confidence,
                rng=chosen.seed,
            )
            curve = steps.distance_curve(
                self.monosynaptic(), material.positions, classes=self._contrast
            )
            return {"control": control, "curve": curve}

        found: dict[str, Any] = self._step("distance", compute)
        return found

    def by_assembly(self) -> pd.DataFrame:
        """Connections within each assembly against those to other assemblies."""
        found: pd.DataFrame = self._step(
            "by_assembly",
            lambda: steps.assembly_breakdown(
                self.material.direct,
                self._classes(),
                confidence=self.config.confidence,
                ranks=self.config.ranks,
                alternative=self.config.alternative,
            ),
        )
        return found

    def nulls(self) -> dict[str, Any]:
        """Permutation tests of direct connections, by what is shuffled."""

        def compute() -> dict[str, Any]:
            kinds = ("labels", "wiring") if self.config.nulls == "both" else (self.config.nulls,)
            return {
                kind: structure.permutation_null(
                    self.material.direct,
                    self._classes(),
                    shuffle=kind,
                    contrast=self._contrast,
                    n=self.config.n_nulls,
                    alternative=self.config.alternative,
                    adjust=self.config.correction,
                    rng=self.config.seed,
                    threads=self.threads,
                    progress=self._progress,
                )
                for kind in kinds
            }

        found: dict[str, Any] = self._step("nulls", compute)
        return found

    def power(self) -> structure.Power:
        """How often each test would find a planted excess in as many cells."""
        found: structure.Power = self._step(
            "power",
            lambda: structure.power(
                self.material.direct,
                self._classes(),
                excess=self.config.power_effects,
                contrast=self._contrast,
                n=self.config.n_power,
                alternative=self.config.alternative,
                ranks=self.config.ranks,
                rng=self.config.seed,
                threads=self.threads,
                progress=self._progress,
            ),
        )
        return found

    def agreement(self) -> structure.CommunityAgreement:
        """Communities of the network against the assemblies."""
        found: structure.CommunityAgreement = self._step(
            "agreement",
            lambda: structure.community_agreement(
                self.material.network,
                self._classes(chains=True),
                gamma=self.config.resolution,
                n_null=max(self.config.n_nulls, 1),
                adjust=self.config.correction,
                rng=self.config.seed,
                threads=self.threads,
            ),
        )
        return found

    def motifs(self) -> pd.DataFrame:
        """Patterns of two to four cells, all in an assembly, against shuffled wiring."""
        found: pd.DataFrame = self._step("motifs", self._count_motifs)
        return found

    def _count_motifs(self) -> pd.DataFrame:
        import pandas as pd

        network, classes = self.material.network, self._classes(chains=True)
        inside = set(classes.cell_ids[classes.in_assembly].tolist())
        labels = np.where([i in inside for i in network.row_ids.tolist()], "assembly", "other")
        rows = []
        for name, (edges, meaning) in steps.CHAIN_MOTIFS.items():
            n = 1 + max(max(edge) for edge in edges)
            found = structure.find_motif(
                network,
                edges,
                ["assembly"] * n,
                labels=labels,
                max_instances=0,
                n_null=20,
                rng=self.config.seed,
                threads=self.threads,
            )
            low, high = np.quantile(found.null, [0.025, 0.975])
            rows.append(
                {
                    "motif": name,
                    "meaning": meaning,
                    "n_cells": n,
                    "count": found.count,
                    "null_mean": float(found.null.mean()),
                    "null_low": float(low),
                    "null_high": float(high),
                    "z": found.z,
                    "p": found.p,
                }
            )
        return pd.DataFrame(rows)

    def coupling(self) -> structure.CouplingModel:
        """Functional coupling regressed on the wiring."""

        def compute() -> structure.CouplingModel:
            network, classes = self.material.network, self._classes(chains=True)
            ids = classes.cell_ids[np.isin(classes.cell_ids, network.row_ids)]
            return structure.explain_coupling(
                network,
                coupling_table(self.sources.coupling, ids),
                ids=ids,
                positions=None if self.material.positions is None else self.material.positions,
                sign_column=self.config.sign_column,
                n_null=max(self.config.n_nulls, 1),
                adjust=self.config.correction,
                rng=self.config.seed,
                threads=self.threads,
                progress=self._progress,
            )

        found: structure.CouplingModel = self._step("coupling", compute)
        return found

    def map(self) -> steps.ConnectivityMap:
        """Cells at their places with the strongest connections."""

        def compute() -> steps.ConnectivityMap:
            assert self.material.positions is not None
            return steps.connectivity_map(
                self.material.network,
                self.material.positions,
                self.material.chain_classes if self.has_assemblies else None,
                threshold=self.config.map_threshold,
            )

        found: steps.ConnectivityMap = self._step("map", compute)
        return found

    # --- the whole network ------------------------------------------------------------------------

    def network(self, edge_type: str = "all") -> measures.NetworkMeasures:
        """Measures of the network of one edge type ("all": of all together)."""

        def compute() -> measures.NetworkMeasures:
            whole = self.material.network
            return measures.network_measures(
                whole if edge_type == "all" else whole.of_type(edge_type),
                edge_type=edge_type,
                n_nulls=self.config.network_nulls,
                resolution=self.config.resolution,
                rng=self.config.seed,
                threads=self.threads,
                progress=self._progress,
            )

        found: measures.NetworkMeasures = self._step(f"network_{edge_type}", compute)
        return found

    def class_wiring(self) -> pd.DataFrame:
        """Connection probability from each class of cells to each."""

        def compute() -> pd.DataFrame:
            assert self.material.groups is not None
            return cell_classes.class_wiring(self.material.network, self.material.groups)

        found: pd.DataFrame = self._step("class_wiring", compute)
        return found

    def class_agreement(self) -> cell_classes.ClassAgreement:
        """Communities of the network against the classes of cells."""

        def compute() -> cell_classes.ClassAgreement:
            assert self.material.groups is not None
            return cell_classes.class_agreement(
                self.network("all").cells["community"],
                self.material.groups,
                n_nulls=max(self.config.n_nulls, 1),
                rng=self.config.seed,
            )

        found: cell_classes.ClassAgreement = self._step("class_agreement", compute)
        return found

    # --- order ------------------------------------------------------------------------------------

    def run_step(self, name: str) -> Any:
        """Do a step by its name in :attr:`step_names`."""
        if name.startswith("network_"):
            return self.network(name.removeprefix("network_"))
        if name.startswith("chains_"):
            return self.chains(name.removeprefix("chains_"))
        return getattr(self, name)()

    def missing(self, step: str) -> str | None:
        """Why a step cannot be done with these data and settings; None if it can."""
        material, chosen = self.material, self.config
        if step.startswith("network_"):
            return None
        if step in NETWORK_STEPS:
            return None if material.groups is not None else "no column of classes (groups)"
        if step == "map":
            return None if material.positions is not None else "the cells have no positions"
        if material.classes is None:
            return "no assemblies and no classes of cells (groups) are given"
        if step == "monosynaptic":
            return None
        if not self.has_assemblies:
            return "it needs functional assemblies, not only classes of cells"
        assert material.chain_classes is not None
        if step in _NEED_MEMBERS and not material.chain_classes.in_assembly.any():
            return "no proofread cell is in an assembly"
        if step in _NEED_PAIRS:
            empty = [name for name in self._contrast if not material.classes.counts[name]]
            if empty:
                return f"there are no pairs of class {' and '.join(empty)}"
        if step in ("nulls", "power"):
            off = (chosen.n_nulls if step == "nulls" else chosen.n_power) == 0
            return f"turned off (n_{step} = 0)" if off else None
        if step == "tail":
            has = material.direct.has_psd
            return None if has else "the connectome has no sizes of synapses"
        if step == "distance":
            return None if material.positions is not None else "the cells have no positions"
        if step == "coupling":
            given = self.sources.coupling is not None
            return None if given else "no functional coupling is given (coupling)"
        if step.startswith("chains_"):
            return self._lacks_middle(step.removeprefix("chains_"))
        return None

    def _lacks_middle(self, middle: str) -> str | None:
        from cofire.structure._wiring import middle_cells

        try:
            ids = middle_cells(self.material.network, middle, self.config.sign_column)
        except (MissingDataError, InvalidArgumentError):
            return "the table of cells does not say which are excitatory or inhibitory"
        return None if len(ids) else f"none of the proofread cells is {middle}"

    @property
    def _contrast(self) -> tuple[str, str]:
        return self.config.contrast_pairs[0]

    def _test_options(self) -> dict[str, Any]:
        chosen, pairs = self.config, self.config.contrast_pairs
        if not self.has_assemblies:
            # Every cell that is compared has a class: other pairs there are not.
            pairs = tuple(p for p in pairs if set(p) <= {"shared", "disjoint"}) or (self._contrast,)
        return {
            "contrasts": pairs,
            "alternative": chosen.alternative,
            "ranks": chosen.ranks,
            "adjust": chosen.correction,
            "confidence": chosen.confidence,
        }

    def _classes(self, chains: bool = False) -> structure.PairClasses:
        found = self.material.chain_classes if chains else self.material.classes
        if found is None:
            raise MissingDataError(
                "no assemblies are given, and no column of classes that could take their place "
                "(groups)"
            )
        return found

    def _step(self, name: str, compute: Callable[[], Any]) -> Any:
        if name not in self._done:
            reason = self.missing(name)
            if reason is not None:
                raise MissingDataError(f"{name.replace('_', ' ')}: {reason}")
            self._done[name] = compute()
            if self._listener is not None:
                self._listener(name, self._done[name])
        return self._done[name]
