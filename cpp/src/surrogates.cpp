#include "cofire/surrogates.hpp"
