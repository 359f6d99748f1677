#include "cofire/peri_event.hpp"
