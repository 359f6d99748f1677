#include "cofire/zscore.hpp"
