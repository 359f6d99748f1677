#include "cofire/zscore.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

void register_zscore(py::module_& /*m*/) {}

}  // namespace cofire::python
