"""Every public result class of the package goes to disk and comes back."""

from __future__ import annotations

import dataclasses
import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import cofire as cf
from cofire.errors import FileFormatError
from cofire.spikes.binning import bin_spikes_sparse
from cofire.spikes.grid import BinGrid
from graph_made import results as graph_results
from structure_made import results as structure_results

TRAINS = [[0.1, 0.4, 1.2, 3.3], [], [0.2, 0.5, 1.3, 3.35]]
COUNTS = np.random.default_rng(0).poisson(1.0, (4, 60))


def long_trains() -> cf.SpikeTrains:
    rng = np.random.default_rng(1)
    return cf.SpikeTrains.from_list(
        [np.sort(rng.uniform(0, 30, 120)) for _ in range(4)], support=[[0, 30]]
    )


def patterns() -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(2).normal(size=(4, 4)))[0][:2]


def ev() -> Any:
    return cf.assemblies.ExplainedVariance(
        long_trains(), [[10, 20]], [[20, 30]], [[0, 10]], window=5.0
    )


def replay() -> Any:
    detector = cf.assemblies.PairwiseBias(n_shuffles=5)
    return detector.fit(long_trains()).transform(long_trains(), [[1, 2], [3, 4]])


def sweep() -> Any:
    return cf.assemblies.sweep_significance(
        COUNTS, n_shuffles=[3, 5], percentile=[90], detector=cf.assemblies.PCAICA(null="bin")
    )


def significant() -> Any:
    return cf.assemblies.significant_events([1.0, 5.0], np.random.default_rng(0).random((9, 2)))


def hierarchy() -> Any:
    table = {"animal": ["a", "a", "b"], "x": [1.0, 2.0, 3.0]}
    return cf.stats.hierarchical_bootstrap(table, value="x", levels=("animal",), n_boot=9)


def sessions() -> Any:
    table = {"session": list("abc"), "x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, np.nan]}
    return cf.stats.paired_sessions(table, ("x", "y"), n_boot=9)


def wiring() -> Any:
    counts = {"aa": [[0, 2, 0], [0, 1, 0]], "ad": [[1, 0, 3], [0, 0, 0]]}
    sizes = {name: np.array(values) * 0.5 for name, values in counts.items()}
    cells = pd.DataFrame({"kind": ["E", "E", "I", "E", "I"]}, index=[2, 1, 7, 8, 9])
    return cf.Connectome.from_matrix(counts, [1, 2], [7, 8, 9], psd=sizes, cells=cells)


def v1dd() -> Any:
    ids = pd.Index([7, 8], name="cell_id")
    return cf.io.V1DD(
        cells=pd.DataFrame({"status_axon": ["extended", "non"]}, index=ids),
        pyramidal=wiring(),
        membership={7: (1, 2), 8: ()},
        coregistration=pd.DataFrame({"field": [1, 2]}, index=ids),
        coregistration_frozen=None,
        coverage={"coregistered": 2},
        dropped={"not_proofread": (8,)},
        pair_psd=None,
        synapses=None,
        assemblies=(np.array([0, 2]), np.array([1])),
        random_ensembles=(),
        n_units=3,
        detector_order=np.array([2, 1]),
        eigenvalues={"scan13": np.arange(3.0)},
        embeddings={},
        scans=(v1dd_scan(),),
    )


def v1dd_scan() -> Any:
    return cf.io.V1DDScan("session1", np.ones((4, 3), np.float32), None, None, None, None, None)


def binned() -> Any:
    return cf.bin_spikes(TRAINS, 0.5, support=[[0, 2], [3, 4]])


def small_graph() -> Any:
    from cofire.assemblies.sgc import similarity_graph

    return similarity_graph(np.random.default_rng(0).random((9, 6)) < 0.5)


def chains() -> Any:
    from cofire.assemblies import sgc

    return sgc.run_chains(sgc.start_chains(small_graph().adjacency, rounds=2, steps=3))


def affinities() -> Any:
    dff = np.random.default_rng(0).normal(0, 0.1, (400, 12))
    dff[5::20, :5] += 1.0
    return cf.assemblies.select_affinity(
        dff, affinities=[0.5], detector=cf.assemblies.SGC(steps=5), n_components=2
    )


def active() -> Any:
    return np.random.default_rng(0).random((60, 9)) < 0.4


def scores() -> Any:
    return cf.assemblies.oracle_score(active(), [0, 20, 40], 20)


def confusions() -> Any:
    return cf.assemblies.compare_confusions(np.eye(3) + 1, np.ones((3, 3)))


def mat_assemblies() -> Any:
    return cf.io.MatAssemblies(
        name="fish",
        detectors={"sgc": (np.array([0, 2]),), "ica-mp": ()},
        dff=cf.Traces(np.eye(3), rate=2.0),
        f=np.eye(3),
        f0=None,
        positions=np.zeros((3, 2)),
        raster=np.eye(3, dtype=bool),
        threshold=float("nan"),
        peaks=np.array([1]),
        patterns=np.eye(3, dtype=bool)[[1]],
        assembly_patterns=(np.array([0]),),
        parameters={"dT_step": 0.5},
        paths=(Path("fish_SGC-ASSEMBLIES.mat"),),
    )


MAKERS: dict[str, Callable[[], Any]] = {
    "AffinitySearch": affinities,
    "AssemblyActivation": lambda: cf.assemblies.assembly_activation(
        [[0, 1], [2]], np.random.default_rng(0).random((9, 4)) < 0.5
    ),
    "AssemblyRecording": lambda: cf.datasets.make_assembly_recording(12, 10.0, n_assemblies=1),
    "BinGrid": lambda: BinGrid.lay(cf.Intervals([[0, 2], [3, 4]]), 0.5),
    "BinnedSpikes": binned,
    "BlockModelChains": chains,
    "Bootstrap": lambda: cf.stats.bootstrap([1.0, 2.0, 4.0], n_boot=9),
    "CalciumRecording": lambda: cf.datasets.make_calcium_recording(3, 1, 20.0),
    "ConfusionComparison": confusions,
    "Connectome": wiring,
    "ContingencyTest": lambda: cf.stats.chi_squared([[3, 5], [2, 9]]),
    "CoreAssemblies": lambda: cf.assemblies.sgc.core_assemblies(
        np.ones((6, 4), dtype=bool), np.ones(6, dtype=np.int64), 0.2
    ),
    "CorrelationStructure": lambda: cf.assemblies.correlation_structure(active(), order="peak"),
    "Correlogram": lambda: cf.correlogram(TRAINS, 0.2, 0.05),
    "DataFile": lambda: cf.datasets.list_sets()[0].files[0],
    "DataSet": lambda: cf.datasets.list_sets()[0],
    "DetectorComparison": lambda: cf.assemblies.compare_detectors(
        np.zeros((9, 3)), detectors={"ica": cf.assemblies.ICA(), "out": None}, truth=[[0, 1]]
    ),
    "Edges": lambda: wiring().edges[0],
    "EventTriggered": lambda: cf.event_triggered_average(
        np.arange(20.0), [0.5, 1.0], (-0.2, 0.2), rate=10.0, per_event=True
    ),
    "ExplainedVariance": ev,
    "FullExplainedVariance": lambda: cf.assemblies.explained_variance(
        COUNTS, COUNTS[:, ::2], COUNTS[:, 1::2], return_full=True
    ),
    "HierarchicalBootstrap": hierarchy,
    "Intersections": lambda: cf.assemblies.intersections([[0, 1], [1, 2]], 4),
    "ItemSets": lambda: cf.assemblies.closed_item_sets(
        np.random.default_rng(0).random((30, 5)) < 0.5
    ),
    "JointPETH": lambda: cf.joint_peth(*np.random.default_rng(0).random((2, 6, 5))),
    "MadeConnectome": lambda: cf.datasets.make_connectome(60, n_assemblies=2, recorded=0.5),
    "MatAssemblies": mat_assemblies,
    "NearestEvent": lambda: cf.nearest_event([0.1, 0.9], [0.0, 1.0]),
    "OracleScores": scores,
    "PairCorrelations": lambda: cf.assemblies.pairwise_correlations(active(), [[0, 1], [1, 2]]),
    "PairedSessions": sessions,
    "PairwiseCorrelation": lambda: cf.assemblies.pairwise_corr(COUNTS),
    "PeriEvent": lambda: cf.peri_event_counts(TRAINS, [1.0], (-0.5, 0.5), 0.1),
    "PlaneTest": lambda: cf.assemblies.ks_plane(np.eye(2), np.eye(2)),
    "RandomEnsembles": lambda: cf.assemblies.random_ensembles([2, 3], 9),
    "RankOrder": lambda: cf.rank_order(long_trains(), [[1, 2], [3, 5]]),
    "RankTest": lambda: cf.stats.rank_sum([1.0, 2.0], [3.0, 4.0]),
    "RelativeTime": lambda: cf.relative_times([0.5, 3.0], [[0, 1]]),
    "ReplayScores": replay,
    "SampleComparison": lambda: cf.assemblies.compare_samples({"a": [1, 2], "b": [3]}),
    "SignificanceSweep": sweep,
    "SignificantEvents": significant,
    "SimilarityGraph": small_graph,
    "SimilarityIndex": lambda: cf.assemblies.similarity_index(patterns(), 9),
    "SimilarityMatrix": lambda: cf.assemblies.similarity_matrix(patterns()),
    "SparseBins": lambda: bin_spikes_sparse(TRAINS, 0.5, support=[[0, 2], [3, 4]]),
    "SpatialTests": lambda: cf.assemblies.spatial_tests(np.eye(4), [[0, 1]]),
    "SpectralGroups": lambda: cf.assemblies.sgc.spectral_groups(small_graph().adjacency, 2, 0, 3),
    "Sync": lambda: cf.sync([0.9, 1.1], [1.0], (-0.5, 0.5)),
    "V1DD": v1dd,
    "V1DDScan": v1dd_scan,
    **graph_results(),
    **structure_results(),
    "TriggerFrames": lambda: cf.assemblies.trigger_frames([0, 1, 0], np.ones((1, 2, 2)), [0, 0, 0]),
    "Tuning": lambda: cf.assemblies.tuning(active(), [0, 12], [0.0, 0.0]),
    "VisualSession": lambda: cf.datasets.make_visual_session(
        2, 1, n_repeats=1, n_clips=2, n_trials=1, size=(2, 10)
    ),
}


def public_results() -> set[str]:
    """Names of the frozen dataclasses and named tuples that the primitives' packages export.

    Results of studies are stored and loaded again in the tests of each study; those of networks
    are tensors, and the tests of plans store plans.
    """
    found = set()
    for module in pkgutil.walk_packages(cf.__path__, "cofire."):
        room = module.name.split(".")[1]
        if room in ("cli", "nn", "plot", "report", "studies"):
            continue
        if any(part.startswith("_") for part in module.name.split(".")):
            continue
        exports = importlib.import_module(module.name)
        for name in getattr(exports, "__all__", ()):
            value = getattr(exports, name)
            if isinstance(value, type) and (
                dataclasses.is_dataclass(value) or issubclass(value, tuple)
            ):
                found.add(name)
    return found


def assert_same(a: Any, b: Any, where: str = "") -> None:
    assert type(a) is type(b), where
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, where
        np.testing.assert_array_equal(a, b, err_msg=where)
    elif isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b)
    elif sparse.issparse(a):
        assert a.shape == b.shape, where
        for name in ("data", "indices", "indptr"):
            assert_same(getattr(a, name), getattr(b, name), f"{where}.{name}")
    elif dataclasses.is_dataclass(a):
        for field in dataclasses.fields(a):
            name = field.name
            assert_same(getattr(a, name), getattr(b, name), f"{where}.{name}")
    elif isinstance(a, cf.SpikeTrains):
        for name in ("times", "offsets", "unit_ids", "support", "metadata"):
            assert_same(getattr(a, name), getattr(b, name), f"{where}.{name}")
    elif isinstance(a, cf.Traces):
        for name in ("values", "times", "rate", "columns", "support"):
            assert_same(getattr(a, name), getattr(b, name), f"{where}.{name}")
    elif isinstance(a, cf.Session):
        for name in ("spikes", "epochs", "states", "events", "trials", "traces", "meta"):
            assert_same(getattr(a, name), getattr(b, name), f"{where}.{name}")
    elif isinstance(a, Mapping):
        assert list(a) == list(b), where
        for key in a:
            assert_same(a[key], b[key], f"{where}[{key!r}]")
    elif isinstance(a, (tuple, list)):
        assert len(a) == len(b), where
        for i, (first, second) in enumerate(zip(a, b, strict=True)):
            assert_same(first, second, f"{where}[{i}]")
    elif callable(getattr(a, "fit", None)):
        assert_same(vars(a), vars(b), where)
    elif isinstance(a, float) and np.isnan(a):
        assert np.isnan(b), where
    else:
        assert a == b, where


def test_every_public_result_is_covered():
    assert set(MAKERS) == public_results()


@pytest.mark.parametrize("name", MAKERS)
def test_results_round_trip(tmp_path, name):
    made = MAKERS[name]()
    assert type(made).__name__ == name
    cf.save(made, tmp_path / "result")
    assert_same(made, cf.load(tmp_path / "result"))


def test_a_session_with_signals_in_a_file_is_saved_whole(tmp_path):
    speed = cf.Traces([1.0, 2.0, 3.0], rate=10.0)
    cf.io.write_nwb(cf.Session([[0.1]], traces={"speed": speed}), tmp_path / "made.nwb")
    cf.save(cf.io.read_nwb(tmp_path / "made.nwb"), tmp_path / "session")
    (tmp_path / "made.nwb").unlink()
    found = cf.load(tmp_path / "session").traces["speed"]
    np.testing.assert_array_equal(found.values, speed.values)


def test_a_result_that_is_computed_by_its_constructor_needs_all_of_its_parts(tmp_path):
    cf.save(ev(), tmp_path / "ev")
    document = json.loads((tmp_path / "ev.json").read_text())
    del document["object"]["fields"]["ev"]
    (tmp_path / "ev.json").write_text(json.dumps(document))
    with pytest.raises(FileFormatError, match="have changed since the file was written"):
        cf.load(tmp_path / "ev")


def test_sparse_indices_beyond_the_shape_are_refused(tmp_path):
    cf.save(sparse.csr_array(np.eye(3)), tmp_path / "eye")
    document = json.loads((tmp_path / "eye.json").read_text())
    document["object"]["shape"] = [3, 2]
    (tmp_path / "eye.json").write_text(json.dumps(document))
    with pytest.raises(FileFormatError, match="damaged"):
        cf.load(tmp_path / "eye")
