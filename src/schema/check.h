// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>

#include "sluice/schema.hpp"
#include "sluice/status.hpp"

namespace sluice {

// What is wrong with a table, and in which part of it: the schema file adds the line.
struct TableProblem {
  enum class Part { kTable, kColumn, kIndex, kView, kFullText };
  Part part = Part::kTable;
  size_t index = 0;  // among the columns, indexes, ...
  Status status;
};

// The first problem, or nothing.
std::optional<TableProblem> FindProblem(const Table& table);

}  // namespace sluice
