// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "sluice/schema.hpp"

struct sqlite3;

namespace sluice {

// A database in memory (or in a file) that tests fill by the plainest way: the tables of a schema,
// and lines that go through the extractor into INSERTs.
class MemoryDatabase {
 public:
  explicit MemoryDatabase(const std::string& path = ":memory:");
  ~MemoryDatabase();
  MemoryDatabase(const MemoryDatabase&) = delete;
  MemoryDatabase& operator=(const MemoryDatabase&) = delete;

  // A statement that has to succeed, and one that may fail.
  void Execute(const std::string& sql);
  bool Runs(const std::string& sql);

  // All that a schema asks for: table, indexes, views, full text. Tables that are there stay.
  void Make(const Table& table);
  // The same with its companions.
  void MakeAll(const Table& table);

  // Lines of a source. Those that are no rows are counted.
  void Load(const Table& table, const std::string& source, std::string_view lines);
  size_t rejects() const { return rejects_; }

  // Rows as "a|b", one a line, NULL as "-".
  std::string Query(const std::string& sql);

 private:
  sqlite3* db_ = nullptr;
  size_t rejects_ = 0;
};

}  // namespace sluice
