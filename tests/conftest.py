"""Where tests find the shared data, and the Hypothesis profiles."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("COFIRE_DATA", ROOT.parent / "shared"))

# A shell that starts the tests in the background lets them, and the commands they interrupt, ignore
# Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples on every machine; the nightly profile draws new ones.
settings.register_profile("default", max_examples=50, deadline=None, derandomize=True)
# Every kernel has at least two properties: 10,000 examples a kernel and more.
settings.register_profile(
    "nightly", max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.register_profile(
    "sanitize", max_examples=10, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

KERNEL_TOPICS = (
    "activation", "align", "binning", "block_model", "bursts", "coactivity", "correlation",
    "correlogram", "event_average", "events_golden", "interpolated_average", "network",
    "nulls", "pairwise_bias", "participation", "peri_event", "precision", "psth", "smoothing",
    "spike_trains", "sttc", "sttc_raster", "surrogates", "zscore",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of compiled kernels, so that the sanitizer and nightly passes find them."""
    topics = {f"test_{topic}" for topic in KERNEL_TOPICS}
    for item in items:
        if item.path.stem in topics:
            item.add_marker(pytest.mark.kernel)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder that holds data/ and golden/."""
    if not (SHARED / "golden").is_dir():
        message = f"no golden numbers at {SHARED}; set COFIRE_DATA to the folder that holds them"
        if os.environ.get("COFIRE_REQUIRE_DATA"):
            pytest.fail(message)
        pytest.skip(message)
    return SHARED


@pytest.fixture(scope="session", params=["pub1", "pub2"])
def golden(request: pytest.FixtureRequest, shared: Path):
    """Loader of one golden recording: ``golden("zmat")["gap_z_strided"]``."""

    def load(kind: str) -> dict[str, np.ndarray]:
        with np.load(shared / "golden" / "reactivation" / f"{request.param}_{kind}.npz") as file:
            return dict(file)

    load.case = request.param
    return load


@pytest.fixture(scope="session")
def golden_session(golden):
    """The spike trains and intervals of a golden recording."""
    from types import SimpleNamespace

    import cofire as cf

    data = golden("inputs")
    epochs = cf.Intervals(data["epochs"])
    spikes = cf.SpikeTrains(
        data["spk_t"],
        data["spk_off"].astype(np.int64),
        support=[[data["epochs"][0, 0], data["epochs"][-1, 1]]],
        metadata={"region": data["groups"].astype(str)},
    )
    theta = cf.Intervals(data["theta"])
    return SimpleNamespace(
        case=golden.case,
        spikes=spikes,
        epochs=epochs,
        theta=theta,
        nrem=cf.Intervals(data["nrem"]),
        ripples=cf.Intervals(data["ripples"], on_overlap="keep"),
        detection=epochs[1] & theta,
        groups=data["groups"].astype(str),
        fs=float(data["fs"]),
        data=data,
    )


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave figures out of a run: they take most of its time, other tests look at them."""
    monkeypatch.setattr("cofire.studies.reactivation.output.make_figures", lambda study: [])
