// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "sluice/schema.hpp"
#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// What SQLite makes of a schema beside tables and indexes, for every sink.

std::string AddColumnSql(const Table& table, const Column& column);
Status AddColumn(Connection& connection, const Table& table, const Column& column);

// A view holds no data: one that an older schema made is replaced. The triggers on it are made
// again. Within a transaction, if the view is there. kUsage where its SQL is wrong; kUnsupported
// where a trigger would not compile over the new text: then the view is as it was.
Status MakeView(Connection& connection, const View& view);

// The full-text table, its contents from the rows that are there, and the triggers that keep it
// current.
Status MakeFullText(Connection& connection, const Table& table, const FullText& full_text);

// Of a connection to a database that nobody else sees, before indexes are made in it: sorting and
// cache together keep to `cache_bytes`.
Status PrepareToSort(Connection& connection, uint64_t cache_bytes);

// The step of making one of a table's indexes, in words: "index idx_sse_sid (2 of 7)".
std::string IndexStep(const Table& table, size_t index);

}  // namespace sluice
