// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "pagebuild/page_block.h"
#include "pagebuild/page_file.h"
#include "sluice/status.hpp"

namespace sluice {

// A row of sqlite_schema: an object whose tree was built.
struct SchemaEntry {
  std::string type;  // "table", "index"
  std::string name;
  std::string table;
  std::string sql;  // as SQLite stores it
};

// An object of the schema, and where its tree begins.
struct SchemaRoot {
  const SchemaEntry* entry;
  uint32_t root;
};

// Makes page 1 (the file's header, and the tree of sqlite_schema or the way to it), and writes it:
// the last page of all. A schema that has no room on page 1 gets a tree of its own, which page 1
// points to as its only child; SQLite leaves page 1 so itself where the child's cells do not fit.
Status WriteSchema(std::span<const SchemaRoot> schema, PageFile* file);

}  // namespace sluice
