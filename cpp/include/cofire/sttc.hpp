#pragma once
#include "cofire/view.hpp"
