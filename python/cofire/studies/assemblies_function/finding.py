"""What was found, in words and in a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire.report import number
from cofire.studies.assemblies_function.labels import DETECTORS, p_text, test_of

if TYPE_CHECKING:
    from cofire.studies.assemblies_function.workflow import AssembliesFunction


def finding(study: AssembliesFunction) -> str:
    """What was found, in a few sentences with numbers and uncertainty."""
    if "detection" not in study._done:
        return "No assemblies could be looked for: see what failed."
    parts = [_found(study)]
    done = study._done
    if "sparsity" in done:
        parts.append(_sparse(done["sparsity"]))
    if "repeats" in done:
        parts.append(_reliable(done["repeats"]))
    if "decoding" in done:
        parts.append(_decoded(done["decoding"]))
    return " ".join(part for part in parts if part)


def _found(study: AssembliesFunction) -> str:
    found, n = study.detection(), study.material.n_units
    sizes = [len(units) for units in found.assemblies]
    if not sizes:
        reason = (
            f" ({found.reason.rstrip('.').removeprefix('no assembly: ')})" if found.reason else ""
        )
        return f"{DETECTORS.get(found.name, found.name)}: no assembly in {n:,} cells{reason}."
    inside = len(np.unique(np.concatenate(found.assemblies)))
    who = "The recording has" if found.name == "given" else (
        f"{DETECTORS.get(found.name, found.name)} found"
    )  # fmt: skip
    size = f"{min(sizes)} to {max(sizes)}" if min(sizes) < max(sizes) else f"{sizes[0]}"
    word = "assembly" if len(sizes) == 1 else "assemblies"
    return (
        f"{who} {len(sizes)} {word} of {size} cells; {100 * inside / n:.0f} % of {n:,} cells are "
        "in at least one."
    )


def _sparse(found: Any) -> str:
    z, p = test_of(found.comparison, "assemblies", "random")
    if not np.isfinite(p):
        return ""
    first, second = (_median(v) for v in (found.assemblies, found.random))
    return (
        f"Their activity is {_word(z, p, 'sparser than', 'less sparse than')} that "
        f"of random ensembles of equal size (median Gini {first:.2f} against {second:.2f}, "
        f"{p_text(p)})."
    )


def _reliable(found: Any) -> str:
    z, p = test_of(found.comparison, "assemblies", "random")
    if not np.isfinite(p):
        return ""
    means = [_mean(found.scores[name].score) for name in ("assemblies", "random", "all cells")]
    words = _word(z, p, "more reliably than", "less reliably than")
    return (
        f"Over {len(found.trials.starts)} repeats of the movie they respond {words} random "
        f"ensembles (mean oracle score {means[0]:.2f} against {means[1]:.2f}, {p_text(p)}; single "
        f"cells {means[2]:.2f})."
    )


def _decoded(splits: dict[str, Any]) -> str:
    texts = []
    for split, found in splits.items():
        n = int(found.assemblies.confusion_.sum())
        share = found.assemblies.accuracy_
        half = 1.96 * np.sqrt(share * (1 - share) / n) if n else float("nan")
        how = "of frames" if split == "random" else "of frames of presentations that are new to it"
        texts.append(
            f"{100 * share:.0f} ± {100 * half:.0f} % {how} ({100 * found.random.accuracy_:.0f} % "
            "from random ensembles)"
        )
    if not texts:
        return ""
    chance = 100 * next(iter(splits.values())).assemblies.chance_
    return f"A decoder names the clip in {', and in '.join(texts)}; chance {chance:.0f} %."


def _word(z: float, p: float, more: str, less: str) -> str:
    if not p < 0.05:
        return f"not detectably {more}"
    return more if z > 0 else less


def key_numbers(study: AssembliesFunction) -> list[tuple[str, str, str]]:
    """Key numbers for the top of the page: value, label, detail."""
    material, done = study.material, study._done
    length = f"{len(material.raster):,} frames"
    if material.rate is not None:
        length += f", {len(material.raster) / material.rate / 60:.1f} min"
    cards = [(f"{material.n_units:,}", "cells", length)]
    if "detection" in done:
        found = study.detection()
        sizes = [len(units) for units in found.assemblies]
        detail = DETECTORS.get(found.name, found.name)
        if sizes:
            detail += f"; {min(sizes)} to {max(sizes)} cells"
        cards.append((str(len(sizes)), "assemblies", detail))
    pairs = []
    if "sparsity" in done:
        found = done["sparsity"]
        pairs.append(("median Gini", _median(found.assemblies), _median(found.random)))
    if "repeats" in done:
        scores = done["repeats"].scores
        pairs.append(
            ("mean oracle score", _mean(scores["assemblies"].score), _mean(scores["random"].score))
        )
    for label, first, second in pairs:
        cards.append((number(first), label, f"random ensembles {number(second)}"))
    for split, decoded in done.get("decoding", {}).items():
        cards.append(
            (
                f"{100 * decoded.assemblies.accuracy_:.0f} %",
                f"clips decoded, {split} split",
                f"random ensembles {100 * decoded.random.accuracy_:.0f} %, chance "
                f"{100 * decoded.assemblies.chance_:.0f} %",
            )
        )
    return cards


def _median(values: Any) -> float:
    return _reduced(np.median, values)


def _mean(values: Any) -> float:
    return _reduced(np.mean, values)


def _reduced(how: Any, values: Any) -> float:
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    return float(how(known)) if len(known) else float("nan")
