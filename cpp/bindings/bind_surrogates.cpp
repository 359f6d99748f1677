#include <cmath>
#include <string>

#include "cofire/surrogates.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

namespace {

// What every spike kernel needs to hold: finite epochs, sorted and disjoint, that hold all spikes.
// A spike outside would leave a hole of uninitialized memory in the result.
void check_support(const SpikeView& spikes, const IntervalView& support) {
  for (index_t e = 0; e < support.n_rows(); ++e) {
    const bool follows = e == 0 || support(e, 0) >= support(e - 1, 1);
    if (!std::isfinite(support(e, 0)) || !std::isfinite(support(e, 1)) ||
        support(e, 1) < support(e, 0) || !follows) {
      throw std::invalid_argument("support must be finite, sorted and disjoint: see epoch " +
                                  std::to_string(e));
    }
  }
  for (index_t unit = 0; unit < spikes.n_rows(); ++unit) {
    index_t e = 0;
    for (const double t : spikes.row(unit)) {
      while (e < support.n_rows() && !(t < support(e, 1))) ++e;
      if (e == support.n_rows() || !(t >= support(e, 0))) {
        throw std::invalid_argument("a spike of unit " + std::to_string(unit) +
                                    " lies outside the support");
      }
    }
  }
}

// kernel(spikes, support, control, out)
template <typename Kernel>
Array<double> surrogate_of(const Array<double>& times, const Array<std::int64_t>& offsets,
                           const Array<double>& intervals, int n_threads, Kernel&& kernel) {
  const SpikeView spikes = ragged_of(times, offsets);
  const IntervalView support = intervals_of(intervals, "support");
  check_support(spikes, support);
  Array<double> moved(times.size());
  const auto out = mutable_span(moved);
  run_released(n_threads, [&](const Control& control) { kernel(spikes, support, control, out); });
  return moved;
}

Array<double> jitter(const Array<double>& times, const Array<std::int64_t>& offsets,
                     const Array<double>& intervals, double width, std::uint64_t seed,
                     std::uint64_t draw, int n_threads) {
  if (!(width >= 0.0) || !std::isfinite(width)) {
    throw std::invalid_argument("width must be finite and not negative");
  }
  return surrogate_of(times, offsets, intervals, n_threads,
                      [&](const auto& spikes, const auto& support, const auto& control, auto out) {
                        jitter_spikes(spikes, support, width, {seed, draw}, control, out);
                      });
}

Array<double> isi_shuffle(const Array<double>& times, const Array<std::int64_t>& offsets,
                          const Array<double>& intervals, std::uint64_t seed, std::uint64_t draw,
                          int n_threads) {
  return surrogate_of(times, offsets, intervals, n_threads,
                      [&](const auto& spikes, const auto& support, const auto& control, auto out) {
                        shuffle_isis(spikes, support, {seed, draw}, control, out);
                      });
}

Array<double> circular_shift(const Array<double>& times, const Array<std::int64_t>& offsets,
                             const Array<double>& intervals, bool within_epochs, std::uint64_t seed,
                             std::uint64_t draw, int n_threads) {
  return surrogate_of(times, offsets, intervals, n_threads,
                      [&](const auto& spikes, const auto& support, const auto& control, auto out) {
                        rotate_spikes(spikes, support, within_epochs, {seed, draw}, control, out);
                      });
}

Array<double> scatter(const Array<double>& times, const Array<std::int64_t>& offsets,
                      const Array<double>& intervals, std::uint64_t seed, std::uint64_t draw,
                      int n_threads) {
  return surrogate_of(times, offsets, intervals, n_threads,
                      [&](const auto& spikes, const auto& support, const auto& control, auto out) {
                        scatter_spikes(spikes, support, {seed, draw}, control, out);
                      });
}

template <typename T>
Array<T> shuffled(const Array<T>& values, std::uint64_t seed, std::uint64_t draw, int n_threads) {
  const auto from = matrix_of(values, "values");
  Array<T> result({from.n_rows(), from.n_cols()});
  const auto to = mutable_matrix(result);
  run_released(n_threads,
               [&](const Control& control) { shuffle_rows<T>(from, {seed, draw}, control, to); });
  return result;
}

template <typename T>
Array<T> rotated(const Array<T>& values, std::uint64_t seed, std::uint64_t draw, int n_threads) {
  const auto from = matrix_of(values, "values");
  Array<T> result({from.n_rows(), from.n_cols()});
  const auto to = mutable_matrix(result);
  run_released(n_threads,
               [&](const Control& control) { rotate_rows<T>(from, {seed, draw}, control, to); });
  return result;
}

template <typename T>
void register_width(py::module_& m, const std::string& suffix) {
  m.def(("shuffle_rows_" + suffix).c_str(), &shuffled<T>, py::arg("values").noconvert(),
        py::arg("seed"), py::arg("draw"), py::arg("n_threads"),
        "Each row permuted independently; elements are copied as they are.");
  m.def(("rotate_rows_" + suffix).c_str(), &rotated<T>, py::arg("values").noconvert(),
        py::arg("seed"), py::arg("draw"), py::arg("n_threads"),
        "Each row rolled to the right by a uniform number of columns.");
}

}  // namespace

void register_surrogates(py::module_& m) {
  m.def("jitter_spikes", &jitter, py::arg("times").noconvert(), py::arg("offsets").noconvert(),
        py::arg("support").noconvert(), py::arg("width"), py::arg("seed"), py::arg("draw"),
        py::arg("n_threads"), "Times of spikes moved by up to width, reflected in their epoch.");
  m.def("shuffle_isis", &isi_shuffle, py::arg("times").noconvert(), py::arg("offsets").noconvert(),
        py::arg("support").noconvert(), py::arg("seed"), py::arg("draw"), py::arg("n_threads"),
        "Times of spikes with the intervals between them permuted in each epoch.");
  m.def("rotate_spikes", &circular_shift, py::arg("times").noconvert(),
        py::arg("offsets").noconvert(), py::arg("support").noconvert(), py::arg("within_epochs"),
        py::arg("seed"), py::arg("draw"), py::arg("n_threads"),
        "Times of spikes rotated along the support.");
  m.def("scatter_spikes", &scatter, py::arg("times").noconvert(), py::arg("offsets").noconvert(),
        py::arg("support").noconvert(), py::arg("seed"), py::arg("draw"), py::arg("n_threads"),
        "As many spike times, uniform on the support.");
  register_width<std::uint8_t>(m, "u8");
  register_width<std::uint16_t>(m, "u16");
  register_width<std::uint32_t>(m, "u32");
  register_width<std::uint64_t>(m, "u64");
}

}  // namespace cofire::python
