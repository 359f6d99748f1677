#include <pybind11/stl.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "bind_grid.hpp"
#include "cofire/binning.hpp"
#include "register.hpp"

namespace cofire::python {

namespace {

template <typename T>
Array<T> bin_spikes_as(const Array<double>& times, const Array<std::int64_t>& offsets,
                       const Array<double>& starts, const Array<double>& stops,
                       const Array<double>& steps, const Array<std::int64_t>& bin_offsets,
                       int n_threads) {
  const SpikeView spikes = ragged_of(times, offsets);
  const BinGrid grid = grid_of(starts, stops, steps, bin_offsets);
  Array<T> counts = zeros<T>(spikes.n_rows(), grid.n_bins());
  const auto out = mutable_matrix(counts);
  run_released(n_threads,
               [&](const Control& control) { bin_spikes<T>(spikes, grid, control, out); });
  return counts;
}

using Sparse = std::tuple<Array<std::int32_t>, Array<std::int32_t>, Array<std::int64_t>>;

Sparse bin_spikes_sparse(const Array<double>& times, const Array<std::int64_t>& offsets,
                         const Array<double>& starts, const Array<double>& stops,
                         const Array<double>& steps, const Array<std::int64_t>& bin_offsets,
                         int n_threads) {
  const SpikeView spikes = ragged_of(times, offsets);
  const BinGrid grid = grid_of(starts, stops, steps, bin_offsets);
  if (grid.n_bins() > std::numeric_limits<std::int32_t>::max()) {
    throw std::invalid_argument("more than 2^31 bins; use wider bins or a shorter support");
  }
  // Room for a bin a spike; rows are moved together once their sizes are known.
  Array<std::int32_t> data(spikes.values().size());
  Array<std::int32_t> indices(spikes.values().size());
  Array<std::int64_t> row_offsets(offsets.size());
  const auto counts = mutable_span(data);
  const auto bins = mutable_span(indices);
  const auto ends = mutable_span(row_offsets);
  ends[0] = 0;
  const auto first_of = [&](index_t unit) {
    return static_cast<std::size_t>(spikes.offsets()[static_cast<std::size_t>(unit)]);
  };
  run_released(n_threads, [&](const Control& control) {
    parallel_for(spikes.n_rows(), control, [&](index_t unit) {
      const auto train = spikes.row(unit);
      ends[static_cast<std::size_t>(unit) + 1] = occupied_bins(
          train, grid, grid.offsets.first(grid.starts.size()),
          bins.subspan(first_of(unit), train.size()), counts.subspan(first_of(unit), train.size()));
    });
    for (index_t unit = 0; unit < spikes.n_rows(); ++unit) {
      const auto row = static_cast<std::size_t>(unit);
      const auto size = static_cast<std::size_t>(ends[row + 1]);
      std::ranges::copy(counts.subspan(first_of(unit), size), counts.begin() + ends[row]);
      std::ranges::copy(bins.subspan(first_of(unit), size), bins.begin() + ends[row]);
      ends[row + 1] += ends[row];
    }
  });
  constexpr bool check_references = false;
  data.resize({ends.back()}, check_references);
  indices.resize({ends.back()}, check_references);
  return {data, indices, row_offsets};
}

template <typename T>
void register_dtype(py::module_& m, const char* name) {
  m.def(name, &bin_spikes_as<T>, py::arg("times").noconvert(), py::arg("offsets").noconvert(),
        py::arg("starts").noconvert(), py::arg("stops").noconvert(), py::arg("steps").noconvert(),
        py::arg("bin_offsets").noconvert(), py::arg("n_threads"),
        "Spike counts (units, bins) on a bin grid.");
}

}  // namespace

void register_binning(py::module_& m) {
  register_dtype<std::uint8_t>(m, "bin_spikes_u8");
  register_dtype<std::int32_t>(m, "bin_spikes_i32");
  register_dtype<float>(m, "bin_spikes_f32");
  register_dtype<double>(m, "bin_spikes_f64");
  m.def("bin_spikes_sparse", &bin_spikes_sparse, py::arg("times").noconvert(),
        py::arg("offsets").noconvert(), py::arg("starts").noconvert(), py::arg("stops").noconvert(),
        py::arg("steps").noconvert(), py::arg("bin_offsets").noconvert(), py::arg("n_threads"),
        "(data, indices, indptr) of the spike counts in compressed rows.");
}

}  // namespace cofire::python
