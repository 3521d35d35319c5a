// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/cell.h"

namespace sluice {

// The cell of an RFC 8259 number: an integer where it is written as one and fits into 64 bits, else
// a real.
Cell NumberCell(std::string_view number);

// digits * 10^exponent as the linked SQLite reads it; see number.cc.
double DecimalToDouble(uint64_t digits, int exponent);

}  // namespace sluice
