// Counting the time lags between spikes of pairs of units.
#pragma once

#include <cstdint>
#include <span>

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire {

// 2 * half + 1 lag bins centred on multiples of width: bin k in [-half, half] is
// [edge(k), edge(k + 1)). Edges are antisymmetric in floating point: edge(1 - k) == -edge(k).
struct LagBins {
  double width;
  index_t half;

  [[nodiscard]] constexpr index_t n_bins() const noexcept { return 2 * half + 1; }
  [[nodiscard]] constexpr double edge(index_t k) const noexcept {
    return (static_cast<double>(k) - 0.5) * width;
  }
};

// counts[(i * n_units + j) * n_bins + half + k] = number of pairs (a in train i, b in train j) with
// b - a in bin k; a spike is also paired with itself. Finite sorted trains; spans of time above
// 2^46 bins throw std::invalid_argument.
void correlogram(const SpikeView& spikes, const LagBins& bins, const Control& control,
                 std::span<std::int64_t> counts);

// The same for chosen pairs: row p of counts belongs to the units pairs(p, 0) and pairs(p, 1).
void correlogram_pairs(const SpikeView& spikes, MatrixView<const std::int64_t> pairs,
                       const LagBins& bins, const Control& control,
                       MatrixView<std::int64_t> counts);

// neuro_py's rule: for each t1 the window is [low, low + n * width), n = counts.size(), low = t1 -
// n / 2 * width, and t2 counts in bin int((t2 - low) / width) if that is below n. Both sorted.
void cross_corr(std::span<const double> t1, std::span<const double> t2, double width,
                std::span<std::int64_t> counts);

}  // namespace cofire
