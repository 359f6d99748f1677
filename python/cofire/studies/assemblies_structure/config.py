"""Settings of the structure study: documented defaults, readable from a TOML file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from cofire._validate import integer, one_of, positive, real
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.structure.classes import CLASSES
from cofire.studies._settings import Settings, texts

_TEXTS = (
    "pre_column", "post_column", "size_column", "cell_id", "membership_id", "unit_column",
    "sign_column", "groups", "proofread", "pre", "post", "depth_column",
)  # fmt: skip
CORRECTIONS = ("none", "holm", "bonferroni", "benjamini_hochberg")


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureConfig(Settings):
    """Everything that decides a result of the study. The same names work in a TOML file.

    Attributes
    ----------
    pre_column, post_column, size_column : str, optional
        Columns of the synapse table; default usual names (``pre_pt_root_id``, ``size``, ...).
    cell_id : str, optional
        Column of the ids in the cell table (and in the co-registration); default a usual name.
    membership_id : str, optional
        Column of the ids in the table of assemblies; default a usual name.
    unit_column : str, optional
        Column of the co-registration that holds the functional index; default a usual name.
    size_scale : float, > 0
        Size of one unit of the size column: 3.645e-6 for voxels of 9 x 9 x 45 nm in µm³.
    size_unit : str
        What sizes are in after scaling, for axes and tables: "µm³".
    voxel : float, > 0, optional
        Per-cell strengths of chains are then in voxels squared, as they were published.
    autapses : {"drop", "keep"}
        Synapses of a cell on itself.
    proofread : str, optional
        pandas query on the cell table, for example ``"status_axon == 'extended'"``: cells whose
        axons are complete. They are the presynaptic cells, and chains and centralities are those
        of the network among them. Default all cells.
    pre, post : str, optional
        Further queries for pre- and postsynaptic cells of direct connections, for example
        ``"classification_system == 'excitatory'"``.
    sign_column : str, optional
        Column of the cell table that says excitatory or inhibitory; default a usual name.
    groups : str, optional
        Column of the cell table with classes of cells. In the network part their connections,
        communities and centralities are compared; without assemblies they take their place.
    position_columns : tuple of 3 str, optional
        Columns of the cell table with x, y, z; default usual names, or none.
    position_scale : float, > 0
        µm in one unit of the positions: 0.001 for nm.
    depth_column : str, optional
        Depth below the pia, for the map (in units of the positions); default the second position.
    layers : tuple of float
        Depths (µm) at which layers 2/3, 4, 5, 6 and the white matter begin; () for no lines.
    map_threshold : float, >= 0
        The map shows connections of a larger size.
    contrasts : tuple of str
        Pairs of classes "first:second" that are tested.
    alternative : {"greater", "less", "two-sided"}
        Of the rank tests.
    ranks : {"uncorrected", "normal", "auto"}
        Variant of the rank-sum test; the published one is without correction for ties.
    correction : {"none", "holm", "bonferroni", "benjamini_hochberg"}
        Of p over all tests of a table. Published: none.
    confidence : float in (0, 1)
        Of the intervals of effects.
    boundary : {"equal_posterior", "published"}
        Between the two parts of the mixture of sizes.
    n_nulls : int
        Shuffles of the permutation tests; 0 leaves them out.
    nulls : {"labels", "wiring", "both"}
        What is shuffled: which cell has which assemblies, or the wiring at equal degrees.
    n_power : int
        Draws for each effect of the power analysis; 0 leaves it out.
    power_effects : tuple of float
        Factors on connection probability and size.
    network : {"auto", "yes", "no"}
        Measures of the whole network; "auto": where no assemblies are given.
    edge_types : tuple of str, optional
        Edge types whose networks are analyzed one by one; default all that the connectome has.
    network_nulls : int
        Shuffles at equal degrees for motifs, rich club, clustering, paths.
    resolution : float, > 0
        Of the communities (Louvain).
    seed : int
        Of every random number.
    """

    section: ClassVar[str] = "assemblies_structure"

    pre_column: str | None = None
    post_column: str | None = None
    size_column: str | None = None
    cell_id: str | None = None
    membership_id: str | None = None
    unit_column: str | None = None
    size_scale: float = 1.0
    size_unit: str = ""
    voxel: float | None = None
    autapses: str = "drop"
    proofread: str | None = None
    pre: str | None = None
    post: str | None = None
    sign_column: str | None = None
    groups: str | None = None
    position_columns: tuple[str, ...] | None = None
    position_scale: float = 1.0
    depth_column: str | None = None
    layers: tuple[float, ...] = (100.0, 270.0, 400.0, 550.0, 750.0)
    map_threshold: float = 0.0
    contrasts: tuple[str, ...] = ("shared:disjoint", "shared:shared_no_a")
    alternative: str = "greater"
    ranks: str = "uncorrected"
    correction: str = "none"
    confidence: float = 0.95
    boundary: str = "equal_posterior"
    n_nulls: int = 1000
    nulls: str = "labels"
    n_power: int = 200
    power_effects: tuple[float, ...] = (1.0, 1.25, 1.5, 2.0, 3.0)
    network: str = "auto"
    edge_types: tuple[str, ...] | None = None
    network_nulls: int = 100
    resolution: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in _TEXTS:
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and value.strip()):
                raise InvalidTypeError(f"{name} must be a text that is not empty, got {value!r}")
        if not isinstance(self.size_unit, str):
            raise InvalidTypeError(f"size_unit must be a text, got {self.size_unit!r}")
        for name in ("size_scale", "position_scale", "resolution"):
            self._set(name, positive(getattr(self, name), name))
        if self.voxel is not None:
            self._set("voxel", positive(self.voxel, "voxel"))
        if real(self.map_threshold, "map_threshold") < 0:
            raise InvalidArgumentError(
                f"map_threshold must not be negative, got {self.map_threshold!r}"
            )
        one_of(self.autapses, "autapses", ("drop", "keep"))
        one_of(self.alternative, "alternative", ("greater", "less", "two-sided"))
        one_of(self.ranks, "ranks", ("uncorrected", "normal", "auto"))
        one_of(self.correction, "correction", CORRECTIONS)
        one_of(self.boundary, "boundary", ("equal_posterior", "published"))
        one_of(self.nulls, "nulls", ("labels", "wiring", "both"))
        one_of(self.network, "network", ("auto", "yes", "no"))
        if not 0 < real(self.confidence, "confidence") < 1:
            raise InvalidArgumentError(
                f"confidence must lie between 0 and 1, got {self.confidence!r}"
            )
        for name in ("n_nulls", "n_power", "seed"):
            integer(getattr(self, name), name, 0)
        integer(self.network_nulls, "network_nulls", 2)
        self._set("contrasts", tuple(":".join(pair) for pair in self._pairs()))
        self._set("layers", self._numbers("layers", 0.0))
        self._set("power_effects", self._numbers("power_effects", 0.0))
        for name, size in (("position_columns", 3), ("edge_types", None)):
            value = getattr(self, name)
            if value is None:
                continue
            names = texts(value, name)
            if size is not None and len(names) != size:
                raise InvalidArgumentError(f"{name} must be {size} columns, got {list(names)}")
            self._set(name, names)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _numbers(self, name: str, low: float) -> tuple[float, ...]:
        value = getattr(self, name)
        if not isinstance(value, (list, tuple)):
            raise InvalidTypeError(f"{name} must be a list of numbers, got {value!r}")
        numbers = tuple(real(v, name) for v in value)
        if any(v < low for v in numbers):
            raise InvalidArgumentError(f"{name} must not be below {low:g}, got {list(numbers)}")
        return numbers

    def _pairs(self) -> tuple[tuple[str, str], ...]:
        pairs = []
        for text in texts(self.contrasts, "contrasts"):
            first, colon, second = text.partition(":")
            if not colon or not first or not second:
                raise InvalidArgumentError(
                    f"contrasts must be pairs of classes such as 'shared:disjoint', got {text!r}"
                )
            names = first.strip(), second.strip()
            for name in names:
                one_of(name, "contrasts", CLASSES)
            pairs.append(names)
        if not pairs:
            raise InvalidArgumentError("contrasts: name at least one pair, as 'shared:disjoint'")
        return tuple(pairs)

    @property
    def contrast_pairs(self) -> tuple[tuple[str, str], ...]:
        """The contrasts as pairs of classes."""
        return self._pairs()
