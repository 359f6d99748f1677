#include <pybind11/stl.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "cofire/event_average.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

namespace {

// Any strides; what the kernel can walk is checked by signal_of.
template <typename T>
using Strided = py::array_t<T, 0>;

using Moments = std::tuple<Array<double>, Array<double>, Array<std::int64_t>>;

template <typename T>
SignalView<T> signal_of(const Strided<T>& values) {
  if (values.ndim() != 2) {
    throw std::invalid_argument("values must be 2-D, got " + std::to_string(values.ndim()) + "-D");
  }
  constexpr auto item = static_cast<py::ssize_t>(sizeof(T));
  const SignalView<T> view{values.data(), values.shape(0), values.shape(1),
                           values.strides(0) / item, values.strides(1) / item};
  const bool whole = values.strides(0) % item == 0 && values.strides(1) % item == 0;
  const bool walkable = view.interleaved() || view.sample_stride == 1;
  if (values.size() > 0 && !(whole && walkable && view.sample_stride > 0)) {
    throw std::invalid_argument("values must be contiguous along one axis");
  }
  return view;
}

struct Outputs {
  Outputs(index_t n_lags, index_t n_signals)
      : mean({n_lags, n_signals}), sem({n_lags, n_signals}), counts({n_lags, n_signals}) {}

  [[nodiscard]] EventMoments views() {
    return {mutable_matrix(mean), mutable_matrix(sem), mutable_matrix(counts)};
  }
  [[nodiscard]] Moments arrays() const { return {mean, sem, counts}; }

  Array<double> mean;
  Array<double> sem;
  Array<std::int64_t> counts;
};

void check_range(std::int64_t first, std::int64_t length, index_t limit, const char* name) {
  if (first < 0 || length < 0 || length > limit || first > limit - length) {
    throw std::out_of_range(std::string(name) + " leave their axis");
  }
}

template <typename T>
Moments windows(const Strided<T>& values, const Array<std::int64_t>& full,
                const Array<std::int64_t>& partial, index_t n_lags, int n_threads) {
  const auto signal = signal_of(values);
  const auto starts = span_of(full, "full");
  const auto pieces = matrix_of(partial, "partial");
  if (n_lags < 0) throw std::invalid_argument("n_lags must not be negative");
  if (pieces.n_cols() != 3) throw std::invalid_argument("partial must have shape (n, 3)");
  for (const std::int64_t start : starts) check_range(start, n_lags, signal.n_samples, "windows");
  for (index_t p = 0; p < pieces.n_rows(); ++p) {
    check_range(pieces(p, 0), pieces(p, 2), signal.n_samples, "pieces");
    check_range(pieces(p, 1), pieces(p, 2), n_lags, "pieces");
  }
  Outputs out(n_lags, signal.n_signals);
  const auto views = out.views();
  run_released(n_threads, [&](const Control& control) {
    average_windows<T>(signal, starts, pieces, control, views);
  });
  return out.arrays();
}

template <typename T>
Moments interpolated(const Strided<T>& values, const Array<double>& times,
                     const Array<std::int64_t>& runs, const Array<double>& events,
                     const Array<double>& lags, int n_threads) {
  const auto signal = signal_of(values);
  const auto at = span_of(times, "times");
  const auto ranges = matrix_of(runs, "runs");
  const auto centers = span_of(events, "events");
  const auto delays = span_of(lags, "lags");
  if (static_cast<index_t>(at.size()) != signal.n_samples) {
    throw std::invalid_argument("times and values disagree in length");
  }
  if (ranges.n_cols() != 2) throw std::invalid_argument("runs must have shape (n, 2)");
  for (index_t r = 0; r < ranges.n_rows(); ++r) {
    check_range(ranges(r, 0), ranges(r, 1) - ranges(r, 0), signal.n_samples, "runs");
  }
  if (!std::is_sorted(delays.begin(), delays.end())) {
    throw std::invalid_argument("lags must increase");
  }
  Outputs out(static_cast<index_t>(delays.size()), signal.n_signals);
  const auto views = out.views();
  run_released(n_threads, [&](const Control& control) {
    average_interpolated<T>(signal, at, ranges, centers, delays, control, views);
  });
  return out.arrays();
}

template <typename T>
void register_dtype(py::module_& m, const std::string& suffix) {
  m.def(("average_windows_" + suffix).c_str(), &windows<T>, py::arg("values").noconvert(),
        py::arg("full").noconvert(), py::arg("partial").noconvert(), py::arg("n_lags"),
        py::arg("n_threads"),
        "(mean, sem, counts), each (n_lags, n_signals), over windows of values (T, n).");
  m.def(("average_interpolated_" + suffix).c_str(), &interpolated<T>, py::arg("values").noconvert(),
        py::arg("times").noconvert(), py::arg("runs").noconvert(), py::arg("events").noconvert(),
        py::arg("lags").noconvert(), py::arg("n_threads"),
        "(mean, sem, counts), each (n_lags, n_signals), of values interpolated at events + lags.");
}

}  // namespace

void register_event_average(py::module_& m) {
  register_dtype<float>(m, "f32");
  register_dtype<double>(m, "f64");
}

}  // namespace cofire::python
