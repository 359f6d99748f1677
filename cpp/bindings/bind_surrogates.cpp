#include "cofire/surrogates.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

void register_surrogates(py::module_& /*m*/) {}

}  // namespace cofire::python
