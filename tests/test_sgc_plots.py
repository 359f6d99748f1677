import numpy as np
import pytest

import cofire as cf
from cofire import plot
from cofire.assemblies import SGC, AffinitySearch
from cofire.errors import InvalidArgumentError, NoAssemblyWarning


@pytest.fixture(scope="module")
def made():
    return cf.datasets.make_calcium_recording(5, 5, 1800.0, rng=0)


@pytest.fixture(scope="module")
def fitted(made):
    return SGC(steps=200).fit(made.dff)


@pytest.fixture(scope="module")
def empty():
    with pytest.warns(NoAssemblyWarning):
        return SGC(steps=5).fit(np.random.default_rng(0).normal(size=(5, 4)))


def drawn(result, tmp_path):
    figure, axes = result
    (file,) = plot.save_figure(figure, tmp_path, "figure", formats=("png",))
    assert file.stat().st_size > 3000
    return axes


def test_coactivity_shows_threshold_and_peaks(fitted, tmp_path):
    top, bottom = drawn(plot.plot_coactivity(fitted, rate=2.0), tmp_path)
    assert bottom.get_xlabel() == "time (s)"
    assert f"{len(fitted.peaks_)} significant peaks" in bottom.get_title(loc="left")
    assert "n = 91" in top.get_ylabel()
    top, bottom = drawn(plot.plot_coactivity(fitted, window=(100, 300)), tmp_path)
    inside = (fitted.peaks_ >= 100) & (fitted.peaks_ < 300)
    assert f"{inside.sum()} significant peaks" in bottom.get_title(loc="left")
    assert bottom.get_xlim() == (100, 300)


def test_the_posterior_marks_its_mode(fitted, tmp_path):
    left, middle, _ = drawn(plot.plot_k_posterior(fitted), tmp_path)
    assert f"k* = {fitted.n_groups_}" in left.get_title(loc="left")
    heights = [bar.get_height() for bar in left.patches]
    assert sum(heights) == pytest.approx(1, abs=0.05)
    colors = {bar.get_facecolor() for bar in left.patches}
    assert len(colors) == 2
    assert len(middle.lines) == 10


def test_the_graph_names_its_assemblies(fitted, tmp_path):
    ax = drawn(plot.plot_similarity_graph(fitted), tmp_path)
    names = [text.get_text() for text in ax.texts]
    assert names == [f"A{k + 1}" for k in range(fitted.n_assemblies_)]


def test_patterns_list_the_assemblies(fitted, tmp_path):
    ax = drawn(fitted.plot(), tmp_path)
    assert len(ax.get_yticklabels()) == fitted.n_assemblies_
    assert ax.images[0].get_array().shape == (fitted.n_assemblies_, 91)


def test_the_map_shows_found_against_planted(made, fitted, tmp_path):
    axes = drawn(made.plot(others=fitted.assemblies_), tmp_path)
    assert len(axes) == 5
    assert all("overlap" in ax.get_title(loc="left") for ax in axes)
    drawn(plot.plot_assembly_map(made.positions, made.assemblies, unit="µm", n_columns=2), tmp_path)
    with pytest.raises(InvalidArgumentError, match="positions must have shape"):
        plot.plot_assembly_map([1.0, 2.0], [[0]])


def test_nothing_found_says_so(empty, tmp_path):
    drawn(plot.plot_coactivity(empty), tmp_path)
    for ax in drawn(plot.plot_k_posterior(empty), tmp_path):
        assert "nothing was clustered" in ax.texts[0].get_text()
    assert "no graph" in drawn(plot.plot_similarity_graph(empty), tmp_path).texts[0].get_text()
    assert "no assembly" in drawn(empty.plot(), tmp_path).texts[0].get_text()
    drawn(plot.plot_assembly_map(np.zeros((3, 2)), []), tmp_path)


def test_affinities_are_drawn_with_their_assemblies(fitted, tmp_path):
    search = AffinitySearch(
        affinities=np.array([0.2, 0.4]),
        aic=np.array([-5.0, -7.0]),
        n_assemblies=np.array([4, 3]),
        n_fits=np.array([9, 5]),
        n_infinite=np.array([0, 1]),
        whole_aic=-3.0,
        best=0.4,
        detector=fitted,
    )
    ax = drawn(search.plot(), tmp_path)
    assert "best affinity 0.4" in ax.get_title(loc="left")
    assert [text.get_text() for text in ax.texts][:2] == ["4", "3"]
