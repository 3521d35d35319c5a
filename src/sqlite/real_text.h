// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace sluice {

// Writes to `to`, which has room for 64 bytes, the text that the linked SQLite makes of a real
// where a TEXT column takes a number: with as many digits as that version keeps. Returns how many
// bytes. Threads: any.
size_t FormatReal(double value, char* to);

}  // namespace sluice
