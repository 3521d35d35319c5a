// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/schema.hpp"
#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// What a change of a table may break elsewhere in its database: views and triggers that name what
// is gone, rows that foreign keys point to.
struct SchemaState {
  // "view v", "INSERT into t" (with t's triggers), "foreign keys of t" → why it does not compile;
  // "" if it does.
  std::map<std::string, std::string> errors;
  // The same where a name in double quotes is no string: else one of a column that is gone would
  // become one without a word.
  std::map<std::string, std::string> strict_errors;
  std::map<std::string, uint64_t> broken_keys;  // of tables whose foreign keys compile: their rows
};
// Within a transaction.
Result<SchemaState> ReadSchemaState(Connection& connection);

// kUsage with the name of the first thing that is worse than it was `before`.
Status CheckAgainst(Connection& connection, const SchemaState& before);

// The same of the triggers on one table or view alone.
Result<SchemaState> ReadTriggerState(Connection& connection, const std::string& table);
Status CheckTriggersAgainst(Connection& connection, const std::string& table,
                            const SchemaState& before);

// Why a unique index cannot be made: kConstraint with the number of double keys and one of them.
Status DoubleRows(Connection& connection, std::string_view table, const Index& index);

// Whether a statement failed for what the machine or another process did, not for what it says.
bool IsFault(const Status& status);

// Names of the full-text tables with the content of this table, whoever made them.
Result<std::vector<std::string>> FullTextsOver(Connection& connection, std::string_view table);

}  // namespace sluice
