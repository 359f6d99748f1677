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
void register_dtype(py::module_& m, const char* name) {
  m.def(name, &activation_as<T>, py::arg("patterns").noconvert(), py::arg("z").noconvert(),
        py::arg("remove_diagonal"), py::arg("n_threads"),
        "Activation (patterns, bins) of a z matrix (units, bins).");
}

}  // namespace

void register_activation(py::module_& m) {
  register_dtype<float>(m, "activation_f32");
  register_dtype<double>(m, "activation_f64");
}

}  // namespace cofire::python
