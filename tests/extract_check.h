// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "json_oracle.h"
#include "sluice/schema.hpp"

namespace sluice {

// Reads lines by the fast path, by the strict path, through the Extractor, and by SQLite, and says
// where two of them disagree about a verdict, a slice or a cell; "" where they agree. `table` has
// pointer columns only.
std::string FindDisagreement(const Table& table, const std::vector<std::string>& lines,
                             JsonOracle* oracle);

// A table with one column for each chain of pointers.
Table TableOfPointers(const std::vector<std::vector<std::string>>& pointers);

}  // namespace sluice
