// One registration function a topic; module.cpp calls them all.
#pragma once

#include <pybind11/pybind11.h>

namespace cofire::python {

void register_activation(pybind11::module_& m);
void register_bias(pybind11::module_& m);
void register_binning(pybind11::module_& m);
void register_block_model(pybind11::module_& m);
void register_coactivity(pybind11::module_& m);
void register_correlation(pybind11::module_& m);
void register_correlogram(pybind11::module_& m);
void register_event_average(pybind11::module_& m);
void register_network(pybind11::module_& m);
void register_peri_event(pybind11::module_& m);
void register_shuffled_gram(pybind11::module_& m);
void register_sttc(pybind11::module_& m);
void register_surrogates(pybind11::module_& m);
void register_trains(pybind11::module_& m);
void register_zscore(pybind11::module_& m);

}  // namespace cofire::python
