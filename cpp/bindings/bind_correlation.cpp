#include <string>
#include <type_traits>

#include "cofire/correlation.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

namespace {

// A negative count would ask for a list of billions of spikes.
template <typename T>
void check_counts(const MatrixView<const T>& counts) {
  if constexpr (std::is_signed_v<T>) {
    for (index_t i = 0; i < counts.n_rows(); ++i) {
      T signs = 0;
      for (const T count : counts.row(i)) signs |= count;
      if (signs < 0) {
        throw std::invalid_argument("counts must not be negative: see unit " + std::to_string(i));
      }
    }
  }
}

template <typename T>
Array<std::int64_t> sum_products_of(const Array<T>& counts, int n_threads) {
  const auto view = matrix_of(counts, "counts");
  check_counts(view);
  Array<std::int64_t> products({view.n_rows(), view.n_rows()});
  const auto out = mutable_matrix(products);
  run_released(n_threads, [&](const Control& control) { sum_products<T>(view, control, out); });
  return products;
}

template <typename T>
void register_dtype(py::module_& m, const char* name) {
  m.def(name, &sum_products_of<T>, py::arg("counts").noconvert(), py::arg("n_threads"),
        "Sums over bins of the products of two units' counts (units, units).");
}

}  // namespace

void register_correlation(py::module_& m) {
  register_dtype<std::uint8_t>(m, "sum_products_u8");
  register_dtype<std::int32_t>(m, "sum_products_i32");
}

}  // namespace cofire::python
