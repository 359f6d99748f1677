#include "bind_grid.hpp"
#include "bind_smoothing_axis.hpp"
#include "cofire/zscore.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

namespace {

template <typename T>
Array<T> zscore_spikes_as(const Array<double>& times, const Array<std::int64_t>& offsets,
                          const Array<double>& starts, const Array<double>& stops,
                          const Array<double>& steps, const Array<std::int64_t>& bin_offsets,
                          const AxisArrays& axis_arrays, index_t ddof, int n_threads) {
  const SpikeView spikes = ragged_of(times, offsets);
  const BinGrid grid = grid_of(starts, stops, steps, bin_offsets);
  const SmoothingAxis axis = axis_on(axis_arrays, grid);
  Array<T> z({spikes.n_rows(), grid.n_bins()});
  const auto out = mutable_matrix(z);
  run_released(n_threads, [&](const Control& control) {
    zscore_spikes<T>(spikes, grid, axis, ddof, control, out);
  });
  return z;
}

template <typename T>
Array<T> zscore_rows_as(const Array<double>& x, index_t ddof, int n_threads) {
  const auto rows = matrix_of(x, "x");
  Array<T> z({rows.n_rows(), rows.n_cols()});
  const auto out = mutable_matrix(z);
  run_released(n_threads,
               [&](const Control& control) { zscore_rows<T>(rows, ddof, control, out); });
  return z;
}

Array<double> smooth_rows_of(const Array<double>& x, const AxisArrays& axis_arrays, int n_threads) {
  const auto rows = matrix_of(x, "x");
  const SmoothingAxis axis = axis_of(axis_arrays);
  if (axis.n_bins() != rows.n_cols()) {
    throw std::invalid_argument("x and the smoothing axis disagree in the number of bins");
  }
  Array<double> smoothed({rows.n_rows(), rows.n_cols()});
  const auto out = mutable_matrix(smoothed);
  run_released(n_threads, [&](const Control& control) { smooth_rows(rows, axis, control, out); });
  return smoothed;
}

template <typename T>
void register_dtype(py::module_& m, const char* spikes_name, const char* rows_name) {
  m.def(spikes_name, &zscore_spikes_as<T>, py::arg("times").noconvert(),
        py::arg("offsets").noconvert(), py::arg("starts").noconvert(), py::arg("stops").noconvert(),
        py::arg("steps").noconvert(), py::arg("bin_offsets").noconvert(),
        py::arg("axis").noconvert(), py::arg("ddof"), py::arg("n_threads"),
        "z-scores (units, bins) of smoothed spike counts.");
  m.def(rows_name, &zscore_rows_as<T>, py::arg("x").noconvert(), py::arg("ddof"),
        py::arg("n_threads"), "z-scores of each row; constant rows and rows with NaN give 0.");
}

}  // namespace

void register_zscore(py::module_& m) {
  register_dtype<float>(m, "zscore_spikes_f32", "zscore_rows_f32");
  register_dtype<double>(m, "zscore_spikes_f64", "zscore_rows_f64");
  m.def("smooth_rows", &smooth_rows_of, py::arg("x").noconvert(), py::arg("axis").noconvert(),
        py::arg("n_threads"), "Rows convolved with a kernel on an axis with gaps.");
}

}  // namespace cofire::python
