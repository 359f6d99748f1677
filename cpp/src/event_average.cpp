#include "cofire/event_average.hpp"
