// SPDX-License-Identifier: Apache-2.0
#include "database_view.h"

#include <gtest/gtest.h>

namespace sluice {

DatabaseView::DatabaseView(const std::string& path) {
  EXPECT_EQ(sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK) << path;
  sqlite3_busy_timeout(db_, 10'000);
}

DatabaseView::~DatabaseView() { sqlite3_close(db_); }

std::vector<std::string> DatabaseView::Rows(std::string_view sql) { return Rows(sql, false); }
std::vector<std::string> DatabaseView::TypedRows(std::string_view sql) { return Rows(sql, true); }

std::vector<std::string> DatabaseView::Rows(std::string_view sql, bool typed) {
  std::vector<std::string> rows;
  sqlite3_stmt* statement = nullptr;
  const int prepared =
      sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  EXPECT_EQ(prepared, SQLITE_OK) << sqlite3_errmsg(db_) << " in " << sql;
  int step = SQLITE_DONE;
  while (statement != nullptr && (step = sqlite3_step(statement)) == SQLITE_ROW) {
    std::string row;
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      if (i > 0) row += '|';
      if (typed) row += "?irtbn"[sqlite3_column_type(statement, i)];
      const void* bytes = sqlite3_column_blob(statement, i);
      const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, i));
      const bool is_null = sqlite3_column_type(statement, i) == SQLITE_NULL;
      row += is_null ? "NULL" : std::string(static_cast<const char*>(bytes), size);
    }
    rows.push_back(std::move(row));
  }
  EXPECT_EQ(step, SQLITE_DONE) << sqlite3_errmsg(db_) << " in " << sql;
  sqlite3_finalize(statement);
  return rows;
}

std::string DatabaseView::One(std::string_view sql) {
  const std::vector<std::string> rows = Rows(sql);
  return rows.empty() ? "" : rows.front();
}

long long DatabaseView::Count(std::string_view sql) { return std::atoll(One(sql).c_str()); }

void DatabaseView::Run(std::string_view sql) {
  const int code = sqlite3_exec(db_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
  EXPECT_EQ(code, SQLITE_OK) << sqlite3_errmsg(db_) << " in " << sql;
}

}  // namespace sluice
