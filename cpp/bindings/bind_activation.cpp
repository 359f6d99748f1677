#include "cofire/activation.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

void register_activation(py::module_& /*m*/) {}

}  // namespace cofire::python
