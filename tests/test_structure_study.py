"""The structure study: what it reads, counts and finds, and that it can be interrupted."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import cofire as cf
from cofire.errors import (
    DuplicateIdError,
    FileFormatError,
    InvalidArgumentError,
    MissingDataError,
    RecordingNotFoundError,
)
from cofire.studies.assemblies_structure import (
    AssembliesStructure,
    Sources,
    StructureConfig,
    cell_measures,
    class_agreement,
    class_wiring,
    distance_curve,
    finding,
    network_measures,
    run,
)
from structure_files import VOXEL, write_files

QUICK = {"n_nulls": 20, "n_power": 5, "power_effects": (1.0, 3.0), "network_nulls": 3}


@pytest.fixture(scope="module")
def made():
    return cf.datasets.make_connectome(
        160, n_assemblies=4, recorded=0.6, excess=3.0, psd_shift=0.2, rng=5
    )


@pytest.fixture(scope="module")
def files(made, tmp_path_factory):
    return write_files(made, tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def study(files):
    sources = Sources(
        synapses=files["synapses"], cells=files["cells"], assemblies=files["assemblies"]
    )
    return AssembliesStructure(
        sources,
        StructureConfig(size_scale=VOXEL, size_unit="µm³", post="ei == 'excitatory'", **QUICK),
    )


def test_files_give_what_the_objects_give(made, study):
    direct = cf.structure.pair_classes(made.membership, made.connectome)
    expected = cf.structure.monosynaptic(
        made.connectome, direct, contrasts=study.config.contrast_pairs
    )
    found = study.monosynaptic()
    pd.testing.assert_frame_equal(
        found.shares.sort_values("class"), expected.shares.sort_values("class")
    )
    row, other = found.test("W", "rank_sum"), expected.test("W", "rank_sum")
    assert row["n1"] == other["n1"]
    assert row["p"] == pytest.approx(other["p"], rel=1e-9)


def test_the_planted_excess_is_found_and_said(study):
    assert study.monosynaptic().test("B", "chi_squared")["p"] < 0.01
    text = finding(study)
    assert "connected more often than" in text
    assert "odds ratio" in text


def test_every_cell_is_counted_or_named(made, study):
    lines = " ".join(study.material.taken + study.material.dropped)
    classes = study.material.classes
    recorded = len(made.membership)
    assert f"presynaptic cells {recorded}" in lines
    assert "Synapses: columns pre_id, post_id, size; size times 3.645e-06 (µm³)" in lines
    assert "86 excitatory, 74 inhibitory" in lines
    n_cells = len(made.connectome.row_ids)
    assert len(classes.cell_ids) + len(classes.dropped) == n_cells
    for side, n in classes.dropped["side"].value_counts().items():
        words = {"both": "cells, pre- and postsynaptic,", "pre": "presynaptic cells"}
        assert f"{n:,} {words[side]} with no functional index" in lines


def test_units_joined_by_coregistration_give_the_same_classes(files, study):
    sources = Sources(
        synapses=files["synapses"], cells=files["cells"], assemblies=files["units"],
        coregistration=files["coreg"],
    )  # fmt: skip
    other = AssembliesStructure(sources, study.config)
    assert other.material.classes.counts == study.material.classes.counts
    assert any("Co-registration:" in line for line in other.material.taken)


@pytest.mark.parametrize("kind", ["npz", "edges", "graphml", "saved"])
def test_connectomes_in_other_files_are_the_same_network(made, tmp_path, kind):
    wiring = made.connectome
    edges = wiring.count.tocoo()
    path = tmp_path / {"npz": "w.npz", "edges": "w.csv", "graphml": "w.graphml", "saved": "w"}[kind]
    if kind == "npz":
        np.savez(path, ids=wiring.row_ids, pre=edges.row, post=edges.col, count=edges.data)
    elif kind == "edges":
        table = {"pre": wiring.row_ids[edges.row], "post": wiring.row_ids[edges.col]}
        pd.DataFrame({**table, "count": edges.data}).to_csv(path, index=False)
    elif kind == "graphml":
        wiring.to_graphml(path)
    else:
        cf.save(wiring, path)
        path = tmp_path / "w.npz"
    study = AssembliesStructure(Sources(connectome=path, assemblies=made.membership))
    assert study.material.network.n_synapses == wiring.n_synapses
    assert study.monosynaptic().shares["n_connected"].sum() > 0


def test_steps_say_what_they_lack(made):
    bare = cf.Connectome.from_matrix(made.connectome.count, made.connectome.row_ids)
    study = AssembliesStructure(
        Sources(connectome=bare, assemblies=made.membership), n_nulls=0, n_power=0
    )
    assert study.missing("tail") == "the connectome has no sizes of synapses"
    assert study.missing("distance") == "the cells have no positions"
    assert study.missing("nulls") == "turned off (n_nulls = 0)"
    assert "excitatory or inhibitory" in study.missing("chains_excitatory")
    with pytest.raises(MissingDataError, match="tail: the connectome has no sizes"):
        study.tail()
    nothing = AssembliesStructure(Sources(connectome=bare))
    assert "no assemblies" in nothing.missing("monosynaptic")
    assert nothing.missing("network_all") is None


def test_classes_of_cells_take_the_place_of_assemblies(made):
    study = AssembliesStructure(Sources(connectome=made.connectome), groups="layer", **QUICK)
    assert study.with_network
    assert study.material.assembly_word == "layer"
    shared = study.monosynaptic().shares.set_index("class").loc["shared"]
    layer = made.connectome.cells["layer"].to_numpy()
    same = (layer[:, None] == layer[None, :]) & ~np.eye(len(layer), dtype=bool)
    assert shared["n_pairs"] == same.sum()
    assert shared["n_connected"] == (made.connectome.count.toarray()[same] > 0).sum()
    assert "it needs functional assemblies" in study.missing("power")
    assert study.class_agreement().n_cells == len(layer)


@pytest.mark.parametrize("case", ["no edges", "all in none", "text ids"])
def test_degenerate_data_end_in_a_page_that_says_so(tmp_path, case):
    rng = np.random.default_rng(0)
    matrix = (rng.random((30, 30)) < 0.1).astype(int)
    ids = [f"c{i}" for i in range(30)] if case == "text ids" else list(range(30))
    cells = pd.DataFrame(
        {"ei": ["E"] * 20 + ["I"] * 10, **{a: rng.random(30) for a in "xyz"}}, index=ids
    )
    membership = {i: str(k % 3) for k, i in enumerate(ids[:15])}
    if case == "no edges":
        matrix[:] = 0
    elif case == "all in none":
        membership = dict.fromkeys(membership, "")
    wiring = cf.Connectome.from_matrix(matrix, ids, psd=matrix * 0.5, cells=cells)
    config = StructureConfig(network="yes", groups="ei", **QUICK)
    result = run(Sources(connectome=wiring, assemblies=membership), tmp_path / "o", config,
                 formats=("png",))  # fmt: skip
    assert {step for step, _ in result.failures} <= {"tail"}
    page = (tmp_path / "o" / "report.html").read_text()
    if case == "no edges":
        assert "None of the 210 pairs is connected" in page
    if case == "all in none":
        assert "there are no pairs of class" in page
    assert finding(result.study)


def test_sources_are_checked():
    with pytest.raises(InvalidArgumentError, match=r"either synapses .* or connectome"):
        Sources()
    with pytest.raises(InvalidArgumentError, match="not both"):
        Sources(synapses="a.csv", connectome="b.npz")
    with pytest.raises(InvalidArgumentError, match="give assemblies too"):
        Sources(synapses="a.csv", coregistration="c.csv")


def test_bad_files_are_named(made, files, tmp_path):
    def material(**sources):
        given = {"synapses": files["synapses"], "cells": files["cells"], **sources}
        settings = given.pop("settings", {})
        return AssembliesStructure(Sources(**given), **settings).material

    with pytest.raises(RecordingNotFoundError, match=r"absent\.npz does not exist"):
        material(synapses=None, connectome=tmp_path / "absent.npz")
    odd = tmp_path / "wiring.xyz"
    odd.write_text("")
    with pytest.raises(FileFormatError, match="not a kind that is read"):
        material(synapses=None, connectome=odd)
    with pytest.raises(InvalidArgumentError, match="lists of functional indices"):
        material(assemblies=files["units"])
    with pytest.raises(InvalidArgumentError, match="proofread: no cell of 160 fulfills"):
        material(settings={"proofread": "layer == 'L9'"})
    with pytest.raises(InvalidArgumentError, match=r"query .* failed on the cell table"):
        material(settings={"proofread": "status == 'extended'"})
    with pytest.raises(MissingDataError, match="groups: the table of cells has no column 'kind'"):
        material(settings={"groups": "kind"})
    with pytest.raises(MissingDataError, match="no column 'kind'"):
        material(assemblies=files["assemblies"], settings={"sign_column": "kind"})
    with pytest.raises(InvalidArgumentError, match="must say excitatory or inhibitory"):
        material(assemblies=files["assemblies"], settings={"sign_column": "layer"})
    with pytest.raises(MissingDataError, match="position_columns"):
        material(settings={"position_columns": ("x", "y", "depth")})
    twice = pd.read_csv(files["coreg"])
    pd.concat([twice, twice.iloc[:1]]).to_csv(tmp_path / "twice.csv", index=False)
    with pytest.raises(DuplicateIdError, match="a duplicated co-registration"):
        material(assemblies=files["units"], coregistration=tmp_path / "twice.csv")
    np.savez(tmp_path / "bad.npz", indices=np.arange(5), offsets=np.array([0, 9]))
    with pytest.raises(FileFormatError, match="offsets must rise"):
        material(assemblies=tmp_path / "bad.npz", coregistration=files["coreg"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"contrasts": ("shared",)}, "contrasts must be pairs"),
        ({"correction": "fdr"}, "correction must be one of"),
        ({"network": "maybe"}, "network must be one of"),
        ({"size_scale": -1.0}, "size_scale must be positive"),
        ({"network_nulls": 1}, "network_nulls must be at least 2"),
        ({"boundary": "mid"}, "boundary must be one of"),
        ({"position_columns": ("x",)}, "position_columns must be 3 columns"),
        ({"layers": (-5.0,)}, "layers must not be below 0"),
        ({"confidence": 2.0}, "confidence must lie between"),
        ({"map_threshold": -1.0}, "map_threshold must not be negative"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(InvalidArgumentError, match=message):
        StructureConfig(**settings)


# --- the whole network ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured(made):
    return network_measures(made.connectome, n_nulls=4, rng=3)


def test_measures_of_the_network_are_those_of_networkx(made, measured):
    import networkx as nx

    graph = made.connectome.to_networkx()
    graph.remove_edges_from(nx.selfloop_edges(graph))
    assert measured.value("edges") == graph.number_of_edges()
    assert measured.value("reciprocity") == pytest.approx(nx.overall_reciprocity(graph))
    expected = nx.betweenness_centrality(graph)
    found = measured.cells["betweenness"]
    np.testing.assert_allclose(found, [expected[i] for i in found.index], atol=1e-12)
    plain = nx.DiGraph(graph.edges())
    plain.add_nodes_from(graph)
    assert measured.value("clustering") == pytest.approx(nx.average_clustering(plain))
    triads = nx.triadic_census(plain)
    for row in measured.motifs.itertuples():
        assert row.count == triads[row.triad], row.triad


def test_global_efficiency_counts_pairs_without_a_path_as_zero():
    line = np.zeros((4, 4))
    line[0, 1] = line[1, 2] = 1
    found = network_measures(line, n_nulls=2)
    assert found.value("global efficiency") == pytest.approx((1 + 1 + 0.5) / 12)
    assert found.value("path length") == pytest.approx(4 / 3)


def test_shuffles_do_not_depend_on_threads(made, measured):
    again = network_measures(made.connectome, n_nulls=4, rng=3, threads=2)
    pd.testing.assert_frame_equal(again.summary, measured.summary)
    pd.testing.assert_frame_equal(again.motifs, measured.motifs)
    pd.testing.assert_frame_equal(again.rich_club, measured.rich_club)


def test_a_network_without_edges_has_measures_without_a_value():
    found = network_measures(np.zeros((5, 5)), n_nulls=2)
    assert found.value("edges") == 0
    assert np.isnan(found.small_worldness)
    assert found.motifs["count"].sum() == 0
    assert found.core_size == 0


def test_degrees_of_cells_sum_to_the_edges(made, measured):
    binary = made.connectome.count.toarray() > 0
    np.fill_diagonal(binary, False)
    assert measured.cells["in_degree"].tolist() == binary.sum(axis=0).tolist()
    assert measured.cells["out_degree"].tolist() == binary.sum(axis=1).tolist()
    table = cell_measures(made.connectome.count, made.connectome.row_ids, np.zeros(160, int))
    assert (table["participation_in"] == 0).all()


def test_wiring_of_classes_is_that_of_their_pairs():
    matrix = np.array([[0, 2, 1], [0, 5, 0], [1, 0, 0]])
    table = class_wiring(matrix, ["a", "a", "b"]).set_index(["pre_class", "post_class"])
    assert table.loc[("a", "a"), ["n_pairs", "n_connected", "n_synapses"]].tolist() == [2, 1, 2]
    assert table.loc[("a", "b"), ["n_pairs", "n_connected"]].tolist() == [2, 1]
    assert table.loc[("b", "b"), "n_pairs"] == 0
    assert np.isnan(table.loc[("b", "b"), "share"])
    with pytest.raises(InvalidArgumentError, match="each of 3 cells"):
        class_wiring(matrix, ["a"])


def test_equal_partitions_agree_and_shuffled_ones_do_not():
    labels = np.repeat([1, 2, 3], 20)
    same = class_agreement(labels, labels.astype(str), n_nulls=50)
    assert same.nmi == pytest.approx(1.0)
    assert same.vi == pytest.approx(0.0, abs=1e-12)
    assert same.p == pytest.approx(1 / 51)
    assert same.table.to_numpy().tolist() == np.diag([20, 20, 20]).tolist()
    some = np.where(np.arange(60) < 30, "x", None)
    assert class_agreement(labels, some, n_nulls=5).n_cells == 30


def test_the_distance_curve_counts_every_pair_once(study):
    result = study.monosynaptic()
    curve = distance_curve(result, study.material.positions, n_bins=5)
    shares = result.shares.set_index("class")
    for name in ("shared", "disjoint"):
        rows = curve[curve["class"] == name]
        assert rows["n_pairs"].sum() == shares.loc[name, "n_pairs"]
        assert rows["n_connected"].sum() == shares.loc[name, "n_connected"]


def test_the_breakdown_counts_pairs_of_each_assembly(made, study):
    table = study.by_assembly().set_index("assembly")
    classes = study.material.classes
    for k, label in enumerate(classes.assemblies):
        inside = classes.member[:, k]
        pre, post = inside[classes.pre].sum(), inside[classes.post].sum()
        both = len(np.intersect1d(classes.pre_ids, classes.cell_ids[inside]))
        assert table.loc[label, "n_shared"] == pre * post - both


# --- as one job -----------------------------------------------------------------------------------


@pytest.fixture
def no_figures(monkeypatch):
    monkeypatch.setattr("cofire.studies.assemblies_structure.output.make_figures", lambda s: [])


def job(files):
    sources = Sources(
        synapses=files["synapses"], cells=files["cells"], assemblies=files["assemblies"]
    )
    return sources, StructureConfig(size_scale=VOXEL, groups="layer", network="yes", **QUICK)


@pytest.fixture(scope="module")
def finished(files, tmp_path_factory):
    sources, config = job(files)
    out = tmp_path_factory.mktemp("finished") / "out"
    return run(sources, out, config, formats=("png",)), out


def test_a_run_leaves_the_promised_folder(finished):
    result, out = finished
    assert result.failures == ()
    for name in ("report.html", "results.npz", "results.json", "provenance.json", "log.txt"):
        assert (out / name).stat().st_size > 100
    figures = {path.stem for path in (out / "figures").iterdir()}
    assert figures >= {
        "connection_probability", "summed_psd", "chains_excitatory_probability",
        "chains_excitatory_strength", "chains_inhibitory_probability", "centralities",
        "connectivity_map", "tail_mixture", "distance_control", "positions", "by_assembly",
        "permutation_labels", "power", "community_agreement", "degree_distributions",
        "network_measures", "motif_profile", "rich_club", "communities", "class_wiring",
        "measures_by_class",
    }  # fmt: skip
    tables = {path.name for path in (out / "tables").glob("*.csv")}
    assert tables >= {"monosynaptic_tests.csv", "dropped_cells.csv", "motifs.csv", "power.csv"}
    page = (out / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert page.count("<figure") == len(figures)
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["complete"]
    assert [part["role"] for part in provenance["input"]["others"]] == ["cells", "assemblies"]


def test_results_are_loaded_as_they_were(finished):
    result, out = finished
    loaded = cf.load(out / "results")
    assert set(loaded) == set(result.study._done)
    pd.testing.assert_frame_equal(
        loaded["monosynaptic"].tests, result.study.monosynaptic().tests, check_dtype=False
    )
    np.testing.assert_array_equal(
        loaded["nulls"]["labels"].null, result.study.nulls()["labels"].null
    )


def test_the_same_run_again_does_nothing(files, finished):
    sources, config = job(files)
    _, out = finished
    written = (out / "report.html").stat().st_mtime_ns
    again = run(sources, out, config, formats=("png",))
    assert len(again.resumed) == len(again.study._done)
    assert (out / "report.html").stat().st_mtime_ns == written


def test_an_interrupted_run_ends_with_the_same_bytes(
    files, finished, tmp_path, monkeypatch, no_figures
):
    def interrupt(self):
        raise KeyboardInterrupt

    sources, config = job(files)
    _, whole = finished
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(AssembliesStructure, "by_assembly", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(sources, out, config, formats=("png",))
    assert (out / "steps" / "tail").is_dir()
    assert not (out / "results.npz").exists()
    run(sources, out, config, formats=("png",), threads=2)
    for name in ("results.npz", "results.json"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


def test_a_step_that_fails_is_named_and_the_others_are_done(
    files, tmp_path, monkeypatch, no_figures
):
    def fail(self):
        raise InvalidArgumentError("sizes: too few")

    sources, config = job(files)
    monkeypatch.setattr(AssembliesStructure, "tail", fail)
    config = StructureConfig.from_mapping({**config.to_dict(), "network": "no", "n_power": 0})
    result = run(sources, tmp_path / "out", config, formats=("png",))
    assert result.failures == (("tail", "sizes: too few"),)
    assert "tail failed: sizes: too few" in (tmp_path / "out" / "report.html").read_text()
    assert "distance" in result.study._done


def test_coupling_is_explained_where_it_is_given(made, files, tmp_path):
    ids = list(made.membership)
    values = np.corrcoef(np.random.default_rng(0).normal(size=(len(ids), 60)))
    pd.DataFrame(values, index=ids, columns=ids).to_csv(tmp_path / "coupling.csv")
    sources = Sources(
        synapses=files["synapses"], cells=files["cells"], assemblies=files["assemblies"],
        coupling=tmp_path / "coupling.csv",
    )  # fmt: skip
    study = AssembliesStructure(sources, **QUICK)
    assert study.coupling().n_cells == len(ids)
    assert study.coupling().p > 0.01


# --- real data ------------------------------------------------------------------------------------


def test_published_counts_of_v1dd_come_out_of_the_files(shared):
    data = shared / "data" / "v1dd"
    study = AssembliesStructure(
        Sources(
            connectome=data / "pyr_proofread_connectome.npz",
            cells=data / "cells.csv.gz",
            assemblies=data / "assembly_membership_coregistered.csv",
        ),
        position_scale=1e-3,
    )
    chains = study.chains("excitatory").shares.set_index("class")
    assert chains.loc["shared", ["n_connected", "n_pairs"]].tolist() == [239, 1610]
    assert chains.loc["disjoint", ["n_connected", "n_pairs"]].tolist() == [307, 2050]
    tests = study.centralities().tests.set_index("quantity")
    published = {"out_degree": 1.899, "in_degree": 1.538, "betweenness": 1.894, "closeness": 0.842}
    for name, z in published.items():
        assert round(tests.loc[name, "statistic"], 3) == z
