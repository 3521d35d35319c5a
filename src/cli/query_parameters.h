// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// Gives the words of a command line to the parameters of a statement.
//
// ":name=value" is for the parameter :name (or @name, $name); all others are for the parameters
// that are then left, in their order: ?, ?1, ?2. A word that is written as SQLite would write a
// number (7, -1.5) is bound as one, any other (02139, 1e3, +7) as text, so that nothing is lost;
// CAST(?1 AS TEXT) takes a number as text.
//
// Lifetime: the words outlive the statement's steps.
// Errors: kUsage where a name is not in the SQL, or words are too many or too few.
Status BindParameters(const std::vector<std::string>& words, Statement* statement);

}  // namespace sluice
