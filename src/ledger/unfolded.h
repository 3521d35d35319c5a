// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// _sluice_unfolded: tables whose @extra column holds no key that could be a column. A run that adds
// columns need not look through a table that is listed there.
//
// A table is listed by who looked through it, and is taken off by who writes a row with such a key,
// each in the transaction that does so.

// False also for a table of which nothing is known.
Result<bool> IsUnfolded(Connection& connection, std::string_view table);
Status SetUnfolded(Connection& connection, std::string_view table, std::string_view now);
Status ForgetUnfolded(Connection& connection, std::string_view table);

}  // namespace sluice
