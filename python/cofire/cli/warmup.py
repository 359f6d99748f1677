"""``cofire warmup``: compile once what would be compiled at a first call."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import time
from collections.abc import Iterator

from cofire.cli.console import console, epoch_progress, one_line_errors

# Packages with kernels compiled by Numba.
_PACKAGES = (
    "cofire.assemblies.detectors",
    "cofire.connectome",
    "cofire.graph",
    "cofire.structure",
)


def modules() -> Iterator[str]:
    """Names of the modules that may declare kernels, private ones too."""
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.submodule_search_locations is not None:
            found = pkgutil.iter_modules(spec.submodule_search_locations, package + ".")
            yield from sorted(module.name for module in found)


def run_warmup(*, quiet: bool) -> None:
    """Compile every kernel, or read it from Numba's cache, and say how many and how long."""
    with one_line_errors("; the same command goes on"):
        begun = time.perf_counter()
        for name in modules():
            importlib.import_module(name)
        from cofire.graph._jit import kernels

        every = list(kernels())
        with epoch_progress(quiet) as progress:
            for i, kernel in enumerate(every):
                kernel.compile()
                if progress is not None:
                    progress(kernel.name, i + 1, len(every))
        if not quiet:
            n_new = sum(not kernel.from_cache for kernel in every)
            console().print(
                f"{len(every)} kernels are ready: {n_new} compiled, {len(every) - n_new} read from "
                f"the cache, in {time.perf_counter() - begun:.1f} s.",
                markup=False,
            )
