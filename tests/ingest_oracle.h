// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sqlite3.h>

#include "json_oracle.h"
#include "sluice/offset.hpp"
#include "sluice/schema.hpp"

namespace sluice {

// What one table of a database must hold when its sources were read whole, by the plainest way:
// lines cut at '\n', judged by SQLite's json_valid, their cells found by SQLite's json_extract and
// given the affinity of a table with the same DDL by SQLite itself.
class IngestOracle {
 public:
  explicit IngestOracle(const Table& table);
  ~IngestOracle();
  IngestOracle(const IngestOracle&) = delete;
  IngestOracle& operator=(const IngestOracle&) = delete;

  // The sources in the order in which they were read. `text` is decoded; `may_grow` as of a plain
  // file. Returns what I9 must say of it.
  LineCounts Add(const std::string& path, std::string_view text, bool may_grow);

  // "" where the table in the database has these rows, in this order, cell by cell, and
  // _sluice_rejects these lines; else words for what differs.
  std::string DifferenceFrom(const std::string& database);

 private:
  struct Text {
    std::string_view text;
    uint64_t number;
    uint64_t byte_offset;
  };

  void Judge(const Text& line, const std::string& path, LineCounts* counts);
  void AddRow(const Text& line, const std::string& path);
  Cell CellOf(const Column& column, const Text& line, const std::string& path);
  bool WouldChange(const Column& column, const Cell& cell);
  std::vector<std::string> ExtraOf(std::string_view line,
                                   const std::vector<const Column*>& kept_out);
  std::vector<std::string> Members(std::string_view object);
  std::string DifferenceOfRows();
  std::string DifferenceOfExtra();
  std::string DifferenceOfRejects();
  std::vector<std::string> Rows(const std::string& sql);
  void Run(const std::string& sql);
  sqlite3_stmt* Prepare(const std::string& sql);

  Table table_;
  JsonOracle json_;
  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* members_ = nullptr;
  const Column* extra_ = nullptr;
  std::vector<std::vector<std::string>> extras_;  // by row, where the table has @extra
  std::vector<std::string> rejects_;
};

}  // namespace sluice
