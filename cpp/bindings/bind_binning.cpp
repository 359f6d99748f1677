#include <pybind11/stl.h>

#include <algorithm>
#include <limits>
#include <memory>
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
  Array<T> counts({spikes.n_rows(), grid.n_bins()});
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
  const std::size_t n_spikes = spikes.values().size();
  const auto bins = std::make_unique_for_overwrite<std::int32_t[]>(n_spikes);
  const auto counts = std::make_unique_for_overwrite<std::int32_t[]>(n_spikes);
  Array<std::int64_t> row_offsets(offsets.size());
  const auto ends = mutable_span(row_offsets);
  ends[0] = 0;
  const auto room = [&](index_t unit, std::int32_t* from) {
    const auto begin = spikes.offsets()[static_cast<std::size_t>(unit)];
    return std::span(from + begin, spikes.row(unit).size());
  };
  run_released(n_threads, [&](const Control& control) {
    parallel_for(spikes.n_rows(), control, [&](index_t unit) {
      ends[static_cast<std::size_t>(unit) + 1] =
          occupied_bins(spikes.row(unit), grid, grid.offsets.first(grid.starts.size()),
                        room(unit, bins.get()), room(unit, counts.get()));
    });
  });
  for (std::size_t unit = 1; unit < ends.size(); ++unit) ends[unit] += ends[unit - 1];
  Array<std::int32_t> data(ends.back());
  Array<std::int32_t> indices(ends.back());
  const auto to_data = mutable_span(data);
  const auto to_indices = mutable_span(indices);
  for (index_t unit = 0; unit < spikes.n_rows(); ++unit) {
    const auto from = static_cast<std::size_t>(ends[static_cast<std::size_t>(unit)]);
    const auto size = static_cast<std::size_t>(ends[static_cast<std::size_t>(unit) + 1]) - from;
    std::copy_n(room(unit, counts.get()).data(), size, to_data.data() + from);
    std::copy_n(room(unit, bins.get()).data(), size, to_indices.data() + from);
  }
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
