#include "cofire/correlogram.hpp"
