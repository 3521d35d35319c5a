// SPDX-License-Identifier: Apache-2.0
#include "memory_database.h"

#include <cstring>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "bind_cell.h"
#include "extract/extractor.h"
#include "schema/schema.h"

namespace sluice {
namespace {

// Cuts at '\n', as framing does.
void FillLines(const Buffer& buffer, size_t size, RowBatch* batch) {
  std::string_view rest(buffer.data(), size);
  for (uint64_t number = 1; !rest.empty(); ++number) {
    const size_t newline = rest.find('\n');
    std::string_view text = rest.substr(0, newline);
    if (text.ends_with('\r')) text.remove_suffix(1);
    const auto offset = static_cast<uint64_t>(text.data() - buffer.data());
    if (!text.empty()) batch->lines.push_back({text, number, offset});
    rest.remove_prefix(newline == std::string_view::npos ? rest.size() : newline + 1);
  }
}

}  // namespace

MemoryDatabase::MemoryDatabase(const std::string& path) {
  EXPECT_EQ(sqlite3_open(path.c_str(), &db_), SQLITE_OK);
}

MemoryDatabase::~MemoryDatabase() { sqlite3_close(db_); }

void MemoryDatabase::Execute(const std::string& sql) {
  char* error = nullptr;
  EXPECT_EQ(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK)
      << (error == nullptr ? "" : error) << "\nin " << sql;
  sqlite3_free(error);
}

bool MemoryDatabase::Runs(const std::string& sql) {
  return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
}

void MemoryDatabase::Make(const Table& table) {
  if (sqlite3_table_column_metadata(db_, nullptr, table.name.c_str(), nullptr, nullptr, nullptr,
                                    nullptr, nullptr, nullptr) == SQLITE_OK) {
    return;  // it is there
  }
  Execute(CreateTableSql(table));
  for (const Index& index : table.indexes) Execute(CreateIndexSql(table, index));
  for (const View& view : table.views) Execute(CreateViewSql(view));
  for (const FullText& full_text : table.full_texts) {
    for (const std::string& sql : CreateFullTextSql(table, full_text)) Execute(sql);
  }
}

void MemoryDatabase::MakeAll(const Table& table) {
  const Result<std::vector<Table>> tables = WithCompanions(table);
  ASSERT_TRUE(tables.has_value()) << tables.error().message();
  for (const Table& each : *tables) Make(each);
}

void MemoryDatabase::Load(const Table& table, const std::string& source, std::string_view lines) {
  if (lines.starts_with("\xEF\xBB\xBF")) lines.remove_prefix(3);
  Buffer buffer(lines.size());
  if (!lines.empty()) std::memcpy(buffer.data(), lines.data(), lines.size());
  RowBatch batch;
  batch.table = &table;
  FillLines(buffer, lines.size(), &batch);
  Extractor(table).Extract({source, "2026-01-31T23:59:59.123Z"}, &batch);
  rejects_ += batch.rejects.size();

  sqlite3_stmt* statement = nullptr;
  std::string parameters = "?";
  for (size_t i = 1; i < table.columns.size(); ++i) parameters += ", ?";
  const std::string sql = InsertSql(table, "VALUES (" + parameters + ")");
  ASSERT_EQ(sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr), SQLITE_OK) << sql;
  Execute("BEGIN");
  for (size_t row = 0; row < batch.rows(); ++row) {
    int parameter = 0;
    for (const Cell& cell : batch.row(row)) BindCell(statement, ++parameter, cell);
    EXPECT_EQ(sqlite3_step(statement), SQLITE_DONE) << sqlite3_errmsg(db_);
    sqlite3_reset(statement);
  }
  Execute("COMMIT");
  sqlite3_finalize(statement);
}

std::string MemoryDatabase::Query(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db_) << "\nin " << sql;
  std::string rows;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    if (!rows.empty()) rows += '\n';
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      if (i > 0) rows += '|';
      const unsigned char* text = sqlite3_column_text(statement, i);
      rows += text == nullptr ? "-" : reinterpret_cast<const char*>(text);
    }
  }
  EXPECT_EQ(sqlite3_finalize(statement), SQLITE_OK) << sqlite3_errmsg(db_) << "\nin " << sql;
  return rows;
}

}  // namespace sluice
