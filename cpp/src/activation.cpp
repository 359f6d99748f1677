#include "cofire/activation.hpp"
