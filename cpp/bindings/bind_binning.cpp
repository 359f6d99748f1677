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
}

}  // namespace cofire::python
