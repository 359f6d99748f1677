#include "cofire/coactivity.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

namespace {

Array<std::int64_t> shuffled(const Array<std::int64_t>& n_active, std::int64_t n_frames,
                             std::uint64_t seed, std::int64_t n_shuffles, int n_threads) {
  const auto active = span_of(n_active, "n_active");
  Array<std::int64_t> histogram(static_cast<index_t>(active.size()) + 1);
  const auto out = mutable_span(histogram);
  run_released(n_threads, [&](const Control& control) {
    shuffled_coactivity(active, static_cast<index_t>(n_frames), seed,
                        static_cast<index_t>(n_shuffles), control, out);
  });
  return histogram;
}

}  // namespace

void register_coactivity(py::module_& m) {
  m.def("shuffled_coactivity", &shuffled, py::arg("n_active").noconvert(), py::arg("n_frames"),
        py::arg("seed"), py::arg("n_shuffles"), py::arg("n_threads"),
        "Histogram (units + 1,) of the number of units active in a frame, over all shuffles.");
}

}  // namespace cofire::python
