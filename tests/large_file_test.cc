// SPDX-License-Identifier: Apache-2.0
// Files past 1 GiB, where a page must be left out because SQLite locks a byte of it, and past 4
// GiB, where offsets do not fit into 32 bits. They take minutes and gigabytes: `make torture` runs
// them in its long form.
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "pagebuild/database_builder.h"
#include "schema/schema.h"
#include "sqlite/connection.h"
#include "sqlite/real_text.h"
#include "temporary_directory.h"
#include "torture.h"

namespace sluice {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

struct LargeFile {
  std::string name;
  uint32_t page_size;
  uint64_t size;       // at least
  uint32_t text_size;  // of each row
};
void PrintTo(const LargeFile& file, std::ostream* to) { *to << file.name; }

class LargeFileTorture : public testing::TestWithParam<LargeFile> {
 protected:
  void SetUp() override {
    if (ShortTorture()) GTEST_SKIP() << "files of gigabytes are left out of the short form";
  }
};

Table OneText() {
  Table table;
  table.name = "t";
  table.columns.push_back({.name = "text", .declared_type = "TEXT", .affinity = Affinity::kText});
  table.columns.push_back(
      {.name = "number", .declared_type = "INTEGER", .affinity = Affinity::kInteger});
  table.indexes.push_back({.name = "by_number", .columns = {"number"}});
  return table;
}

// Rows of one text until the table is large enough; the number of rows.
int64_t Fill(const LargeFile& file, const Table& table, DatabaseBuilder* builder) {
  constexpr size_t kBatchBytes = size_t{1} << 20;
  const std::string text(file.text_size, 'x');
  const size_t rows_a_batch = kBatchBytes / file.text_size + 1;
  int64_t rowid = 1;
  for (uint64_t size = 0; size < file.size; size += rows_a_batch * file.text_size) {
    RowBatch batch;
    batch.table = &table;
    batch.decoded_bytes = kBatchBytes;
    batch.first_rowid = rowid;
    for (uint32_t row = 0; row < rows_a_batch; ++row) {
      batch.row_lines.push_back(row);
      batch.cells.push_back(Cell::Text(text));
      batch.cells.push_back(Cell::Integer(rowid++ * 7919 % 1000003));
    }
    EXPECT_TRUE(builder->Encode(0, 0, &batch).ok());
    const Status written = builder->Write(0, &batch);
    EXPECT_TRUE(written.ok()) << written.message();
    if (!written.ok()) return 0;
  }
  return rowid - 1;
}

TEST_P(LargeFileTorture, IsSound) {
  const TemporaryDirectory directory;
  const std::string path = directory / "large.db";
  const Table table = OneText();
  Result<std::unique_ptr<DatabaseBuilder>> builder =
      DatabaseBuilder::Create({.path = path,
                               .page_size = GetParam().page_size,
                               .memory_bytes = uint64_t{64} << 20,
                               .threads = 2,
                               .format_real = FormatReal});
  ASSERT_TRUE(builder) << builder.error().message();
  (*builder)->AddTable(table);
  const int64_t rows = Fill(GetParam(), table, builder->get());
  ASSERT_TRUE((*builder)->BuildIndexes([](const std::string&) {}).ok());
  const std::vector<SchemaEntry> schema = {
      {"table", "t", "t", CreateTableSql(table)},
      {"index", "by_number", "t", CreateIndexSql(table, table.indexes[0])}};
  ASSERT_TRUE((*builder)->Finish(schema).ok());
  ASSERT_GT(Stat(path)->size, GetParam().size);

  Result<Connection> connection = Connection::Open(path, {.mode = OpenOptions::Mode::kReadOnly});
  ASSERT_TRUE(connection) << connection.error().message();
  EXPECT_EQ(*connection->Pragma("integrity_check"), "ok");
  EXPECT_EQ(*connection->QueryInteger("SELECT count(*) FROM t NOT INDEXED"), rows);
  EXPECT_EQ(*connection->QueryInteger("SELECT count(*) FROM t NOT INDEXED WHERE length(text) <> " +
                                      std::to_string(GetParam().text_size)),
            0);
}

INSTANTIATE_TEST_SUITE_P(
    , LargeFileTorture,
    testing::Values(LargeFile{"LockByteAmongLeaves", 1024, kGiB + (kGiB >> 6), 500},
                    LargeFile{"LockByteInAChain", 1024, kGiB + (kGiB >> 6), 700'000},
                    LargeFile{"LockByteInLargePages", 65536, kGiB + (kGiB >> 6), 500},
                    LargeFile{"PastFourGiB", 4096, 4 * kGiB + (kGiB >> 4), 3'000}),
    [](const auto& file) { return file.param.name; });

}  // namespace
}  // namespace sluice
