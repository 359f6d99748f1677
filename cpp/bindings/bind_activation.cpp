#include "bind_grid.hpp"
#include "bind_smoothing_axis.hpp"
#include "cofire/activation.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

namespace {

template <typename T>
Array<T> activation_as(const Array<T>& patterns, const Array<T>& z, bool remove_diagonal,
                       int n_threads) {
  const auto weights = matrix_of(patterns, "patterns");
  const auto rows = matrix_of(z, "z");
  if (weights.n_cols() != rows.n_rows()) {
    throw std::invalid_argument("patterns have " + std::to_string(weights.n_cols()) +
                                " units, z has " + std::to_string(rows.n_rows()));
  }
  Array<T> values({weights.n_rows(), rows.n_cols()});
  const auto out = mutable_matrix(values);
  run_released(n_threads, [&](const Control& control) {
    activation<T>(weights, rows, remove_diagonal, control, out);
  });
  return values;
}

template <typename T>
Array<T> activation_of_spikes_as(const Array<T>& patterns, const Array<double>& times,
                                 const Array<std::int64_t>& offsets, const Array<double>& starts,
                                 const Array<double>& stops, const Array<double>& steps,
                                 const Array<std::int64_t>& bin_offsets,
                                 const AxisArrays& axis_arrays, bool remove_diagonal,
                                 int n_threads) {
  const auto weights = matrix_of(patterns, "patterns");
  const SpikeView spikes = ragged_of(times, offsets);
  const BinGrid grid = grid_of(starts, stops, steps, bin_offsets);
  const SmoothingAxis axis = axis_on(axis_arrays, grid);
  if (weights.n_cols() != spikes.n_rows()) {
    throw std::invalid_argument("patterns have " + std::to_string(weights.n_cols()) +
                                " units, spikes have " + std::to_string(spikes.n_rows()));
  }
  Array<T> values({grid.n_bins(), weights.n_rows()});
  const auto out = mutable_matrix(values);
  run_released(n_threads, [&](const Control& control) {
    activation_of_spikes<T>(weights, spikes, grid, axis, remove_diagonal, control, out);
  });
  return values;
}

template <typename T>
void register_dtype(py::module_& m, const char* name, const char* spikes_name) {
  m.def(name, &activation_as<T>, py::arg("patterns").noconvert(), py::arg("z").noconvert(),
        py::arg("remove_diagonal"), py::arg("n_threads"),
        "Activation (patterns, bins) of a z matrix (units, bins).");
  m.def(spikes_name, &activation_of_spikes_as<T>, py::arg("patterns").noconvert(),
        py::arg("times").noconvert(), py::arg("offsets").noconvert(), py::arg("starts").noconvert(),
        py::arg("stops").noconvert(), py::arg("steps").noconvert(),
        py::arg("bin_offsets").noconvert(), py::arg("axis").noconvert(), py::arg("remove_diagonal"),
        py::arg("n_threads"), "Activation (bins, patterns) of spikes, z-scored over all bins.");
}

}  // namespace

void register_activation(py::module_& m) {
  register_dtype<float>(m, "activation_f32", "activation_of_spikes_f32");
  register_dtype<double>(m, "activation_f64", "activation_of_spikes_f64");
}

}  // namespace cofire::python
