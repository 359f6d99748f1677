// Counting spikes in equal bins inside epochs.
#pragma once

#include <cstdint>
#include <span>

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire {

// Equal bins laid into disjoint epochs, sorted in time. Epoch e has bins [offsets[e], offsets[e+1])
// of the concatenated bin axis. Edge i of an epoch is exactly i * step + start, and its last edge
// exactly stop: the values of numpy.linspace(start, stop, n + 1).
struct BinGrid {
  std::span<const double> starts;
  std::span<const double> stops;
  std::span<const double> steps;
  std::span<const std::int64_t> offsets;

  [[nodiscard]] index_t n_epochs() const noexcept { return static_cast<index_t>(starts.size()); }
  [[nodiscard]] index_t n_bins() const noexcept { return static_cast<index_t>(offsets.back()); }
};

// counts(unit, bin) = number of spikes with edge[bin] <= t < edge[bin + 1]; the last bin of an
// epoch also holds t == its last edge. `counts` must be zero; memory fresh from the system is, and
// writing zeros over it once more would cost more than the counting. Counts beyond the largest T
// throw std::out_of_range.
template <typename T>
void bin_spikes(const SpikeView& spikes, const BinGrid& grid, const Control& control,
                MatrixView<T> counts);

// The occupied bins of one unit, in order: bin b of epoch e is at positions[i] = b +
// epoch_positions[e] and holds counts[i] > 0 spikes. Both outputs have room for one element a
// spike; returns how many were used.
[[nodiscard]] index_t occupied_bins(std::span<const double> times, const BinGrid& grid,
                                    std::span<const std::int64_t> epoch_positions,
                                    std::span<std::int32_t> positions,
                                    std::span<std::int32_t> counts);

}  // namespace cofire
