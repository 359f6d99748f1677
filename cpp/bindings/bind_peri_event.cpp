#include "cofire/peri_event.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

void register_peri_event(py::module_& /*m*/) {}

}  // namespace cofire::python
