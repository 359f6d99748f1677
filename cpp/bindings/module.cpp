#include <pybind11/pybind11.h>

#include "register.hpp"

namespace py = pybind11;

PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
  m.doc() = "Compiled kernels of cofire. Strict about dtype and layout; use the public functions.";
  m.attr("__version__") = COFIRE_VERSION;
  cofire::python::register_activation(m);
  cofire::python::register_bias(m);
  cofire::python::register_binning(m);
  cofire::python::register_block_model(m);
  cofire::python::register_coactivity(m);
  cofire::python::register_correlation(m);
  cofire::python::register_correlogram(m);
  cofire::python::register_event_average(m);
  cofire::python::register_network(m);
  cofire::python::register_peri_event(m);
  cofire::python::register_shuffled_gram(m);
  cofire::python::register_sttc(m);
  cofire::python::register_surrogates(m);
  cofire::python::register_trains(m);
  cofire::python::register_zscore(m);
}
