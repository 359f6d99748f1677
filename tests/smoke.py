"""Does an installed wheel work? Run with the Python that has it; needs nothing but cofire."""

from __future__ import annotations

import numpy as np

import cofire as cf


def main() -> None:
    """Generate a small recording and find its assemblies."""
    recording = cf.datasets.make_assembly_recording(rng=1)
    spikes = recording.session.spikes
    counts = cf.bin_spikes(spikes, 0.025)
    model = cf.assemblies.PCAICA().fit(counts.counts)
    assert model.n_assemblies_ > 0, "no assembly found in a recording with planted ones"
    assert np.isfinite(model.patterns_).all()
    sttc = cf.sttc(spikes, 0.01)
    assert sttc.shape == (spikes.n_units, spikes.n_units)
    print(f"cofire {cf.__version__}: {model.n_assemblies_} assemblies, smoke test passed")


if __name__ == "__main__":
    main()
