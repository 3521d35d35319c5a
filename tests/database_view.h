// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sqlite3.h>

namespace sluice {

// A database as SQLite itself shows it, for tests: opened read-write, because a WAL database wants
// that.
class DatabaseView {
 public:
  explicit DatabaseView(const std::string& path);
  ~DatabaseView();
  DatabaseView(const DatabaseView&) = delete;
  DatabaseView& operator=(const DatabaseView&) = delete;

  // One string a row, its columns joined by '|', NULL as "NULL". An error is a failed test, and no
  // rows.
  std::vector<std::string> Rows(std::string_view sql);
  // The same with a letter for the type before each value, so that 1 and '1' differ.
  std::vector<std::string> TypedRows(std::string_view sql);
  // The first column of the first row: "" where there is none.
  std::string One(std::string_view sql);
  long long Count(std::string_view sql);
  void Run(std::string_view sql);

  // "ok", or what PRAGMA integrity_check says.
  std::string Integrity() { return One("PRAGMA integrity_check"); }

  sqlite3* handle() const { return db_; }

 private:
  std::vector<std::string> Rows(std::string_view sql, bool typed);

  sqlite3* db_ = nullptr;
};

}  // namespace sluice
