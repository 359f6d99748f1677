#include <pybind11/stl.h>

#include <cmath>
#include <tuple>
#include <utility>

#include "cofire/sttc.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

namespace {

using Counts = Array<std::int64_t>;

std::pair<Counts, Array<double>> sttc_counts(const Array<double>& times,
                                             const Array<std::int64_t>& offsets,
                                             const Array<double>& epochs, double dt,
                                             int n_threads) {
  const SpikeView spikes = ragged_of(times, offsets);
  const IntervalView inside = intervals_of(epochs, "epochs");
  if (!(dt > 0.0) || !std::isfinite(dt)) throw std::invalid_argument("dt must be positive");
  for (index_t e = 0; e + 1 < inside.n_rows(); ++e) {
    if (inside(e + 1, 0) < inside(e, 1)) {
      throw std::invalid_argument("epochs must be disjoint and sorted");
    }
  }
  Counts counts({spikes.n_rows(), spikes.n_rows()});
  Array<double> tiled(spikes.n_rows());
  const auto out = mutable_matrix(counts);
  const auto tiled_out = mutable_span(tiled);
  run_released(n_threads, [&](const Control& control) {
    count_close_spikes(spikes, inside, dt, control, out);
    measure_tiles(spikes, inside, dt, control, tiled_out);
  });
  return {counts, tiled};
}

std::tuple<Counts, Counts, Counts> sttc_raster_counts(const Array<bool>& raster, index_t dt_frames,
                                                      bool transposed, int n_threads) {
  const auto view = matrix_of(raster, "raster");
  if (dt_frames < 0) throw std::invalid_argument("dt_frames must not be negative");
  Counts counts({view.n_rows(), view.n_rows()});
  Counts active(view.n_rows());
  Counts tiled(view.n_rows());
  const auto out = mutable_matrix(counts);
  const auto active_out = mutable_span(active);
  const auto tiled_out = mutable_span(tiled);
  const auto method = transposed ? RasterMethod::transposed : RasterMethod::popcount;
  run_released(n_threads, [&](const Control& control) {
    count_close_frames(view, dt_frames, method, control, out, active_out, tiled_out);
  });
  return {counts, active, tiled};
}

}  // namespace

void register_sttc(py::module_& m) {
  m.def("sttc_counts", &sttc_counts, py::arg("times").noconvert(), py::arg("offsets").noconvert(),
        py::arg("epochs").noconvert(), py::arg("dt"), py::arg("n_threads"),
        "(counts, tiled): spikes of i within dt of a spike of j in the same epoch (units, units), "
        "and the time that the tiles of each unit cover.");
  m.def("sttc_raster_counts", &sttc_raster_counts, py::arg("raster").noconvert(),
        py::arg("dt_frames"), py::arg("transposed"), py::arg("n_threads"),
        "(counts, active, tiled): active frames of i at most dt_frames from one of j (units, "
        "units), active frames of each unit, frames at most dt_frames from one of them. "
        "`transposed` chooses the way of counting, not the result.");
}

}  // namespace cofire::python
