// From NumPy arrays to kernel views, and from a Python call to a kernel that may run for long.
#pragma once

#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire::python {

namespace py = pybind11;

// Arguments of this type must be declared with .noconvert(): a wrong dtype or layout is a
// TypeError.
template <typename T>
using Array = py::array_t<T, py::array::c_style>;

template <typename T>
[[nodiscard]] std::span<const T> span_of(const Array<T>& array, const char* name) {
  if (array.ndim() != 1) {
    throw std::invalid_argument(std::string(name) + " must be 1-D, got " +
                                std::to_string(array.ndim()) + "-D");
  }
  return {array.data(), static_cast<std::size_t>(array.size())};
}

template <typename T>
[[nodiscard]] std::span<T> mutable_span(Array<T>& array) {
  return {array.mutable_data(), static_cast<std::size_t>(array.size())};
}

template <typename T>
[[nodiscard]] MatrixView<const T> matrix_of(const Array<T>& array, const char* name) {
  if (array.ndim() != 2) {
    throw std::invalid_argument(std::string(name) + " must be 2-D, got " +
                                std::to_string(array.ndim()) + "-D");
  }
  return {array.data(), array.shape(0), array.shape(1)};
}

template <typename T>
[[nodiscard]] MatrixView<T> mutable_matrix(Array<T>& array) {
  return {array.mutable_data(), array.shape(0), array.shape(1)};
}

// NumPy takes large zeros fresh from the system, which costs nothing until they are touched.
template <typename T>
[[nodiscard]] Array<T> zeros(index_t n_rows, index_t n_cols) {
  const py::object make = py::module_::import("numpy").attr("zeros");
  return make(py::make_tuple(n_rows, n_cols), py::dtype::of<T>());
}

[[nodiscard]] inline IntervalView intervals_of(const Array<double>& array, const char* name) {
  const auto view = matrix_of(array, name);
  if (view.n_cols() != 2) {
    throw std::invalid_argument(std::string(name) + " must have shape (n, 2)");
  }
  return view;
}

// Checks what an out-of-bounds read would follow from: offsets start at 0, never fall and end at
// the number of values.
template <typename T>
[[nodiscard]] RaggedView<T> ragged_of(const Array<T>& values, const Array<std::int64_t>& offsets) {
  const auto v = span_of(values, "values");
  const auto o = span_of(offsets, "offsets");
  if (o.empty() || o.front() != 0) throw std::invalid_argument("offsets must start with 0");
  for (std::size_t i = 1; i < o.size(); ++i) {
    if (o[i] < o[i - 1]) {
      throw std::invalid_argument("offsets fall at position " + std::to_string(i));
    }
  }
  if (o.back() != static_cast<std::int64_t>(v.size())) {
    throw std::invalid_argument("offsets end at " + std::to_string(o.back()) + ", values have " +
                                std::to_string(v.size()));
  }
  return {v, o};
}

// Runs `kernel(const Control&)` without the GIL. Ctrl-C is noticed between the kernel's items and
// comes out as KeyboardInterrupt (or whatever the signal handler raises).
template <typename Kernel>
void run_released(int n_threads, Kernel&& kernel) {
  if (n_threads < 1) throw std::invalid_argument("n_threads must be at least 1");
  bool signalled = false;
  try {
    const py::gil_scoped_release release;
    const Control control{n_threads, [&signalled] {
                            const py::gil_scoped_acquire acquire;
                            signalled = PyErr_CheckSignals() != 0;
                            return signalled;
                          }};
    kernel(control);
  } catch (const Interrupted&) {
    if (signalled) throw py::error_already_set();
    throw;
  }
}

}  // namespace cofire::python
