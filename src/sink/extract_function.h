// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string_view>

#include "base/cell.h"
#include "sluice/status.hpp"

namespace sluice {

// The cells of all columns of one table for one line. They are valid until the next call. An error
// says why the line is no row. It is handed to this room because only extract knows JSON.
using ExtractFunction = std::function<Result<const Cell*>(std::string_view line)>;

}  // namespace sluice
