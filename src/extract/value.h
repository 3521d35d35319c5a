// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/cell.h"
#include "batch/row_batch.h"
#include "extract/plan.h"

namespace sluice {

// From the JSON text of a valid value to a cell, as SQLite's json_extract does it: both paths end
// here.

// The cell of a value; Null where there is none. Text is a view into the slice where that is
// possible, else into `arena`.
Cell CellOf(const Slice& value, Arena* arena);

// The JSON text of a value without insignificant white space. Writes at most value.size bytes to
// `to` and returns how many.
size_t Minify(const Slice& value, char* to);
std::string_view Minified(const Slice& value, Arena* arena);

// The key of a member as text, all of it.
std::string KeyText(const Slice& key);

// Whether a numeric affinity would turn this text into a number ("02139", " 1e3 "), as SQLite's
// applyNumericAffinity.
bool LooksNumeric(std::string_view text);

}  // namespace sluice
