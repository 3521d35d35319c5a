// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// Gives the words of a command line to the parameters of a statement.
//
// ":name=value" is for the parameter :name (or @name, $name), and so are "@name=value" and
// "$name=value" if there is such a parameter. All others are for the parameters that are then left,
// in their order: ?, ?1, ?2.
//
// By its form, a word that SQL reads as a number (7, -1.50, +5, .5, 1e5) is bound as that number,
// because in a column without a type 1.5 is greater than every text. Any other is text, and so are
// digits after a leading zero (02139).
//
// Lifetime: the words outlive the statement's steps.
// Errors: kUsage where a name is not in the SQL, or words are too many or too few.
enum class ParameterTypes : uint8_t { kByForm, kText };
Status BindParameters(const std::vector<std::string>& words, ParameterTypes types,
                      Statement* statement);

}  // namespace sluice
