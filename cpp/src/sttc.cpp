#include "cofire/sttc.hpp"
