#include "cofire/event_average.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

void register_event_average(py::module_& /*m*/) {}

}  // namespace cofire::python
