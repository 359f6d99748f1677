// The bin grid as it crosses from Python: four arrays made by cofire.spikes.BinGrid.
#pragma once

#include <cmath>

#include "cofire/binning.hpp"
#include "numpy_views.hpp"

namespace cofire::python {

[[nodiscard]] inline BinGrid grid_of(const Array<double>& starts, const Array<double>& stops,
                                     const Array<double>& steps,
                                     const Array<std::int64_t>& offsets) {
  const BinGrid grid{span_of(starts, "starts"), span_of(stops, "stops"), span_of(steps, "steps"),
                     span_of(offsets, "bin_offsets")};
  const std::size_t n = grid.starts.size();
  if (grid.stops.size() != n || grid.steps.size() != n || grid.offsets.size() != n + 1) {
    throw std::invalid_argument("starts, stops, steps and bin_offsets disagree in length");
  }
  if (grid.offsets.front() != 0) throw std::invalid_argument("bin_offsets must start with 0");
  for (std::size_t e = 0; e < n; ++e) {
    if (grid.offsets[e + 1] <= grid.offsets[e]) {
      throw std::invalid_argument("every epoch of a bin grid needs at least one bin");
    }
    if (!(grid.steps[e] > 0.0) || !std::isfinite(grid.starts[e]) || !std::isfinite(grid.stops[e])) {
      throw std::invalid_argument("steps must be positive, starts and stops finite");
    }
  }
  return grid;
}

}  // namespace cofire::python
