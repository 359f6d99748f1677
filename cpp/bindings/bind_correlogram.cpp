#include "cofire/correlogram.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

void register_correlogram(py::module_& /*m*/) {}

}  // namespace cofire::python
