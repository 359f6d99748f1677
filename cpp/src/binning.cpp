#include "cofire/binning.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "cofire/simd.hpp"

namespace cofire {

namespace {

// One epoch of a grid. Edge i is i * step + start; `last` is the last bin.
struct Edges {
  double start;
  double step;
  double bins_per_second;
  index_t last;

  [[nodiscard]] COFIRE_INLINE double edge(double i) const { return i * step + start; }
};

// Spikes whose bins are found together: enough to vectorize, few enough for L1.
constexpr index_t block = 512;

// Whether a guess (t - start) * bins_per_second and an edge are, together, off by less than half a
// bin. Each comes from at most three operations on numbers below `reach`, so eight roundings bound
// the sum.
bool guess_is_near(const Edges& edges, double stop) {
  constexpr double rounding = 8.0 * std::numeric_limits<double>::epsilon();
  const double reach = static_cast<double>(edges.last + 1) +
                       (std::abs(edges.start) + std::abs(stop)) * edges.bins_per_second;
  return rounding * reach < 0.5 && edges.last < std::numeric_limits<std::int32_t>::max() - 2;
}

// The bins of n times in the epoch where guess_is_near: of the two sides of the nearest edge, the
// exact comparison chooses.
COFIRE_CLONES void find_bins(const double* times, index_t n, const Edges& edges,
                             std::int32_t* COFIRE_RESTRICT bins) {
  const Edges e = edges;
  const auto last = static_cast<std::int32_t>(e.last);
  for (index_t i = 0; i < n; ++i) {
    const auto nearest = static_cast<std::int32_t>((times[i] - e.start) * e.bins_per_second + 0.5);
    const std::int32_t bin = nearest - (times[i] < e.edge(nearest) ? 1 : 0);
    bins[i] = std::min(bin, last);
  }
}

// The bin of one time, however far off the guess is.
index_t search_bin(double t, const Edges& edges) {
  const double guess = (t - edges.start) * edges.bins_per_second;
  index_t bin = std::min(static_cast<index_t>(guess), edges.last);
  while (bin > 0 && t < edges.edge(static_cast<double>(bin))) --bin;
  while (bin < edges.last && t >= edges.edge(static_cast<double>(bin + 1))) ++bin;
  return bin;
}

// Calls visit(epoch, first, bins) for the spikes on the grid, in order of time and a few at once:
// they are in bins first + bins[i] of the epoch.
template <typename Visit>
void for_each_binned(std::span<const double> times, const BinGrid& grid, Visit&& visit) {
  std::array<std::int32_t, block> bins;
  const double* spike = times.data();
  const double* const end = spike + times.size();
  for (std::size_t e = 0; e < grid.starts.size(); ++e) {
    const auto n_bins = static_cast<index_t>(grid.offsets[e + 1] - grid.offsets[e]);
    const Edges edges{grid.starts[e], grid.steps[e], 1.0 / grid.steps[e], n_bins - 1};
    const bool near = guess_is_near(edges, grid.stops[e]);
    spike = std::lower_bound(spike, end, edges.start);
    const double* const epoch_end = std::upper_bound(spike, end, grid.stops[e]);
    while (spike != epoch_end) {
      const index_t n = near ? std::min(block, static_cast<index_t>(epoch_end - spike)) : 1;
      index_t first = 0;
      if (near) {
        find_bins(spike, n, edges, bins.data());
      } else {
        first = search_bin(*spike, edges);
        bins[0] = 0;
      }
      visit(e, first, std::span<const std::int32_t>(bins.data(), static_cast<std::size_t>(n)));
      spike += n;
    }
  }
}

template <typename T>
void bin_unit(std::span<const double> times, const BinGrid& grid, index_t unit, std::span<T> row) {
  bool any_wrapped = false;
  for_each_binned(times, grid, [&](std::size_t e, index_t first, auto bins) {
    T* const counts = row.data() + grid.offsets[e] + first;
    bool wrapped = false;
    for (const std::int32_t bin : bins) {
      ++counts[bin];
      if constexpr (sizeof(T) < sizeof(std::int32_t)) wrapped |= counts[bin] == 0;
    }
    any_wrapped |= wrapped;
  });
  if (any_wrapped) {
    throw std::out_of_range("unit " + std::to_string(unit) + " has a bin with more than " +
                            std::to_string(std::numeric_limits<T>::max()) + " spikes");
  }
}

}  // namespace

template <typename T>
void bin_spikes(const SpikeView& spikes, const BinGrid& grid, const Control& control,
                MatrixView<T> counts) {
  parallel_for(spikes.n_rows(), control,
               [&](index_t unit) { bin_unit<T>(spikes.row(unit), grid, unit, counts.row(unit)); });
}

template void bin_spikes<std::uint8_t>(const SpikeView&, const BinGrid&, const Control&,
                                       MatrixView<std::uint8_t>);
template void bin_spikes<std::int32_t>(const SpikeView&, const BinGrid&, const Control&,
                                       MatrixView<std::int32_t>);
template void bin_spikes<float>(const SpikeView&, const BinGrid&, const Control&,
                                MatrixView<float>);
template void bin_spikes<double>(const SpikeView&, const BinGrid&, const Control&,
                                 MatrixView<double>);

index_t occupied_bins(std::span<const double> times, const BinGrid& grid,
                      std::span<const std::int64_t> epoch_positions,
                      std::span<std::int32_t> positions, std::span<std::int32_t> counts) {
  // A new bin and one more spike in the same bin are equally likely to the predictor, so both are
  // written without a branch: `counts` first takes the number of spikes up to the end of each bin.
  index_t n = 0;
  std::int32_t n_spikes = 0;
  std::int32_t last = -1;
  std::int32_t* const position = positions.data();
  std::int32_t* const count = counts.data();
  for_each_binned(times, grid, [&](std::size_t e, index_t first, auto bins) {
    const auto start = static_cast<std::int32_t>(epoch_positions[e] + first);
    for (const std::int32_t bin : bins) {
      const std::int32_t here = start + bin;
      n += here != last ? 1 : 0;
      position[n - 1] = here;
      count[n - 1] = ++n_spikes;
      last = here;
    }
  });
  for (index_t i = n - 1; i > 0; --i) count[i] -= count[i - 1];
  return n;
}

}  // namespace cofire
