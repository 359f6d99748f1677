#include "cofire/sttc.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

void register_sttc(py::module_& /*m*/) {}

}  // namespace cofire::python
