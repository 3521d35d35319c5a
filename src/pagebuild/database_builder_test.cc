// SPDX-License-Identifier: Apache-2.0
// The oracle is SQLite: each case is built twice, as pages and by SQLite's own API, and the two
// databases must not differ in anything that a reader can see.
#include "pagebuild/database_builder.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "base/file.h"
#include "bind_cell.h"
#include "pagebuild/table_builder.h"
#include "schema/schema.h"
#include "sqlite/real_text.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

// A connection whose statements have to succeed.
class Oracle {
 public:
  explicit Oracle(const std::string& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &db_), SQLITE_OK);
    Run("PRAGMA synchronous=OFF");
  }
  ~Oracle() { sqlite3_close(db_); }
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  sqlite3* db() { return db_; }
  void Run(const std::string& sql) {
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK)
        << sql << ": " << (error != nullptr ? error : "");
    sqlite3_free(error);
  }
  // All rows, their values with types, as one text.
  std::string Query(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr), SQLITE_OK)
        << sql << ": " << sqlite3_errmsg(db_);
    std::string rows;
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
      for (int i = 0; i < sqlite3_column_count(statement); ++i) AppendValue(statement, i, &rows);
      rows += '\n';
    }
    EXPECT_EQ(code, SQLITE_DONE) << sql << ": " << sqlite3_errmsg(db_);
    sqlite3_finalize(statement);
    return rows;
  }

 private:
  static void AppendValue(sqlite3_stmt* statement, int column, std::string* to) {
    const int type = sqlite3_column_type(statement, column);
    *to += std::to_string(type) + ":";
    if (type == SQLITE_FLOAT) {
      char text[64];
      std::snprintf(text, sizeof text, "%a", sqlite3_column_double(statement, column));
      *to += text;
    } else if (type != SQLITE_NULL) {
      const void* const bytes = sqlite3_column_blob(statement, column);
      const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, column));
      to->append(static_cast<const char*>(bytes), size);
    }
    *to += '|';
  }

  sqlite3* db_ = nullptr;
};

// A random schema, and random rows for it.
class RandomCase {
 public:
  explicit RandomCase(uint64_t seed) : random_(seed) {}

  // Small pages more often: their trees are deeper.
  uint32_t page_size() { return uint32_t{1024} << (OneIn(2) ? 0 : Below(7)); }
  uint64_t Below(uint64_t limit) { return random_() % limit; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

  Table MakeTable() {
    Table table;
    table.name = "t";
    table.rowid_column = OneIn(3) ? "" : "id";
    const size_t width = OneIn(40) ? 1000 : 1 + Below(9);
    for (size_t i = 0; i < width; ++i) {
      Column column;
      column.name = "c" + std::to_string(i);
      const char* const types[] = {"TEXT",    "INTEGER",         "REAL",   "NUMERIC",
                                   "",        "TEXT NOT NULL",   "BLOB",   "DOUBLE PRECISION",
                                   "BOOLEAN", "REAL DEFAULT 12", "BIGINT", "VARCHAR(20)"};
      column.declared_type = types[Below(12)];
      column.affinity = AffinityOf(column.declared_type);
      table.columns.push_back(column);
    }
    const size_t indexes = Below(5);
    for (size_t i = 0; i < indexes; ++i) {
      Index index{.name = "i" + std::to_string(i)};
      const size_t columns = 1 + Below(std::min<size_t>(3, width));
      const size_t first = Below(width);
      for (size_t c = 0; c < columns; ++c) {
        index.columns.push_back(table.columns[(first + c) % width].name);
      }
      table.indexes.push_back(std::move(index));
    }
    return table;
  }

  // Values of a column: of few kinds, so that keys repeat; or of all.
  Cell MakeCell(uint32_t page_size) {
    switch (Below(12)) {
      case 0:
        return Cell::Null();
      case 1:
        return Cell::Integer(static_cast<int64_t>(Below(5)) - 1);
      case 2:
        return Cell::Integer(IntegerAtAnEdge());
      case 3:
        return Cell::Real(RealAtAnEdge());
      case 4:
        return Cell::Text(Keep(NumericText()));
      case 5:
        return Cell::Text("");
      case 6:
        return Cell::Text(Keep(std::string(Below(3 * page_size / 2), 'x')));
      case 7:
        if (OneIn(4)) return Cell::Text(Keep(RandomBytes(Below(6) * page_size)));
        return Cell::Blob(Keep(RandomBytes(Below(20))));
      case 8:
        return Cell::Integer(static_cast<int64_t>(random_()));
      default:
        return Cell::Text(Keep("key " + std::to_string(Below(20))));
    }
  }

 private:
  int64_t IntegerAtAnEdge() {
    const uint64_t edge = uint64_t{1} << Below(64);
    const uint64_t value = edge - Below(3);
    return static_cast<int64_t>(OneIn(2) ? value : 0 - value);
  }

  double RealAtAnEdge() {
    const double edges[] = {0.0,
                            -0.0,
                            1.5,
                            3.0,
                            1e15,
                            1e300,
                            140737488355328.0,
                            9007199254740993.0,
                            9223372036854775808.0,
                            -9223372036854775808.0,
                            4611686018427387904.0,
                            std::numeric_limits<double>::infinity(),
                            5e-324,
                            0.1,
                            -2.0};
    return edges[Below(15)];
  }

  std::string NumericText() {
    const char* const texts[] = {"1",
                                 " 12 ",
                                 "1e3",
                                 "0x10",
                                 "12px",
                                 "1.0",
                                 "+7",
                                 "-0",
                                 "5.",
                                 ".5",
                                 ".",
                                 "-",
                                 "1e",
                                 "00123",
                                 "1e400",
                                 "1.5e1 ",
                                 "-0.0",
                                 "9223372036854775807",
                                 "9223372036854775808",
                                 "-9223372036854775808",
                                 "0.1",
                                 "+-1",
                                 "1 2",
                                 "123456789012345678901234567890",
                                 "9007199254740993"};
    std::string text = texts[Below(25)];
    if (OneIn(8)) text += std::string(1, '\0') + "9";
    return text;
  }

  std::string RandomBytes(size_t size) {
    std::string bytes(size, static_cast<char>('!' + Below(90)));
    for (size_t i = 0; i < size; i += 1 + Below(1000)) bytes[i] = static_cast<char>(Below(256));
    return bytes;
  }

  // Cells are views; the texts live as long as the case.
  std::string_view Keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  std::mt19937_64 random_;
  std::deque<std::string> texts_;
};

// The same rows by SQLite's API. Rows that it refuses are counted.
void FillOracle(Oracle* oracle, const Table& table, const std::vector<Cell>& cells,
                std::vector<std::string>* refused) {
  oracle->Run("BEGIN");
  oracle->Run(CreateTableSql(table));
  std::string values = "VALUES(?";
  for (size_t i = 1; i < table.columns.size(); ++i) values += ",?";
  sqlite3_stmt* insert = nullptr;
  const std::string sql = InsertSql(table, values + ")");
  ASSERT_EQ(sqlite3_prepare_v2(oracle->db(), sql.c_str(), -1, &insert, nullptr), SQLITE_OK)
      << sqlite3_errmsg(oracle->db());
  for (size_t i = 0; i < cells.size(); ++i) {
    const int parameter = static_cast<int>(i % table.columns.size()) + 1;
    BindCell(insert, parameter, cells[i]);
    if (parameter < static_cast<int>(table.columns.size())) continue;
    if (sqlite3_step(insert) != SQLITE_DONE) refused->push_back(sqlite3_errmsg(oracle->db()));
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  for (const Index& index : table.indexes) oracle->Run(CreateIndexSql(table, index));
  oracle->Run("COMMIT");
}

std::vector<SchemaEntry> SchemaOf(Oracle* oracle) {
  std::vector<SchemaEntry> entries;
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(oracle->db(), "SELECT type, name, tbl_name, sql FROM sqlite_schema", -1,
                     &statement, nullptr);
  while (sqlite3_step(statement) == SQLITE_ROW) {
    const auto text = [&](int column) {
      return std::string(reinterpret_cast<const char*>(sqlite3_column_text(statement, column)));
    };
    entries.push_back({text(0), text(1), text(2), text(3)});
  }
  sqlite3_finalize(statement);
  return entries;
}

// Rows in batches of random sizes, encoded by random threads.
void BuildPages(const std::string& path, const Table& table, const std::vector<Cell>& cells,
                const std::vector<SchemaEntry>& schema, uint32_t page_size, unsigned threads,
                uint64_t memory_bytes, uint64_t batch_seed, std::vector<std::string>* refused,
                std::vector<IndexStatistics>* statistics) {
  Result<std::unique_ptr<DatabaseBuilder>> builder =
      DatabaseBuilder::Create({.path = path,
                               .page_size = page_size,
                               .memory_bytes = memory_bytes,
                               .threads = threads,
                               .format_real = FormatReal});
  ASSERT_TRUE(builder) << builder.error().message();
  ASSERT_EQ(DatabaseBuilder::WhyNot(table), "");
  (*builder)->AddTable(table);

  std::mt19937_64 batches(batch_seed);  // the same for any number of threads
  std::mt19937_64 thread_of(threads);
  const size_t width = table.columns.size();
  int64_t rowid = 1;
  for (size_t row = 0; row < cells.size() / width;) {
    const size_t rows = std::min<size_t>(1 + batches() % 200, cells.size() / width - row);
    RowBatch batch;
    batch.table = &table;
    batch.lines.resize(rows);
    for (uint32_t i = 0; i < rows; ++i) batch.row_lines.push_back(i);
    batch.cells.assign(cells.begin() + static_cast<ptrdiff_t>(row * width),
                       cells.begin() + static_cast<ptrdiff_t>((row + rows) * width));
    batch.decoded_bytes = batches() % 2 == 0 ? 1 : EncodedBatch::kSmallBatch;
    (*builder)->Screen(&batch);
    for (const Reject& reject : batch.rejects) refused->push_back(reject.detail);
    batch.first_rowid = rowid;
    rowid += static_cast<int64_t>(batch.rows());
    const auto thread = static_cast<unsigned>(thread_of() % threads);
    ASSERT_TRUE((*builder)->Encode(0, thread, &batch).ok());
    ASSERT_TRUE((*builder)->Write(0, &batch).ok());
    row += rows;
  }
  Status built = (*builder)->BuildIndexes([](const std::string&) {});
  ASSERT_TRUE(built.ok()) << built.message();
  Status finished = (*builder)->Finish(schema);
  ASSERT_TRUE(finished.ok()) << finished.message();
  *statistics = (*builder)->Statistics();
}

class DatabaseBuilderTest : public testing::Test {
 protected:
  void CheckCase(uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomCase random(seed);
    const Table table = random.MakeTable();
    const uint32_t page_size = random.page_size();
    const bool is_wide = table.columns.size() > 100;
    const size_t rows = random.Below(is_wide ? 10 : random.OneIn(20) ? 1500 : 60);
    std::vector<Cell> cells;
    for (size_t i = 0; i < rows * table.columns.size(); ++i) {
      cells.push_back(random.MakeCell(is_wide ? 64 : page_size));
    }

    std::vector<std::string> refused_by_sqlite;
    Oracle oracle(":memory:");
    FillOracle(&oracle, table, cells, &refused_by_sqlite);

    const unsigned threads = 1 + static_cast<unsigned>(random.Below(4));
    const uint64_t memory = random.OneIn(2) ? 64 << 20 : 64 << 10;
    std::vector<std::string> refused;
    std::vector<IndexStatistics> statistics;
    const std::string path = directory_.path() + "/" + std::to_string(seed) + ".db";
    const std::vector<SchemaEntry> schema = SchemaOf(&oracle);
    BuildPages(path, table, cells, schema, page_size, threads, memory, seed, &refused, &statistics);
    if (HasFatalFailure()) return;
    EXPECT_EQ(refused, refused_by_sqlite);

    const std::string again = path + "-one-thread";
    refused.clear();
    BuildPages(again, table, cells, schema, page_size, 1, 64 << 20, seed, &refused, &statistics);
    const Result<std::string> many = ReadFile(path, UINT64_MAX);
    const Result<std::string> one = ReadFile(again, UINT64_MAX);
    EXPECT_TRUE(*many == *one) << "the bytes depend on the number of threads, or on the memory";

    Oracle built(path);
    EXPECT_EQ(built.Query("PRAGMA page_size"), "1:" + std::to_string(page_size) + "|\n");
    Compare(&built, &oracle, table);
    CompareStatistics(&oracle, statistics);
    UseIt(&built, table);
    EXPECT_TRUE(Remove(path).ok() && Remove(again).ok());
  }

  static void Compare(Oracle* built, Oracle* oracle, const Table& table) {
    ASSERT_EQ(built->Query("PRAGMA integrity_check"), "3:ok|\n");
    const std::string schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema";
    EXPECT_EQ(built->Query(schema), oracle->Query(schema));
    const std::string all = "SELECT rowid, * FROM t ORDER BY rowid";
    EXPECT_TRUE(built->Query(all) == oracle->Query(all)) << "the rows differ";
    for (const Index& index : table.indexes) {
      std::string columns;
      for (const std::string& name : index.columns) columns += name + ", ";
      const std::string sql = "SELECT " + columns + "rowid FROM t INDEXED BY " + index.name +
                              " ORDER BY " + columns + "rowid";
      EXPECT_TRUE(built->Query(sql) == oracle->Query(sql)) << "the index differs: " << sql;
    }
  }

  static void CompareStatistics(Oracle* oracle, const std::vector<IndexStatistics>& statistics) {
    oracle->Run("ANALYZE");
    std::vector<std::string> ours;
    for (const IndexStatistics& row : statistics) {
      ours.push_back("3:" + row.table + "|" + (row.index.empty() ? "5:|" : "3:" + row.index + "|") +
                     "3:" + row.text + "|\n");
    }
    std::ranges::sort(ours);
    std::string text;
    for (const std::string& row : ours) text += row;
    EXPECT_EQ(text, oracle->Query("SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY 1, 2, 3"));
  }

  // SQLite takes it for its own.
  static void UseIt(Oracle* built, const Table& table) {
    built->Run("PRAGMA journal_mode=MEMORY");
    const std::string first = table.columns[0].name;
    built->Run("DELETE FROM t WHERE rowid % 3 = 0");
    built->Run("UPDATE t SET " + first + " = 'changed' WHERE rowid % 5 = 0");
    built->Run("INSERT INTO t SELECT * FROM t WHERE false");
    std::string names = first;
    for (size_t i = 1; i < table.columns.size(); ++i) names += ", " + table.columns[i].name;
    built->Run("INSERT INTO t(" + names + ") SELECT " + names + " FROM t WHERE rowid % 2 = 0");
    built->Run("ALTER TABLE t ADD COLUMN added TEXT DEFAULT 'x'");
    ASSERT_EQ(built->Query("PRAGMA integrity_check"), "3:ok|\n");
    built->Run("VACUUM");
    ASSERT_EQ(built->Query("PRAGMA integrity_check"), "3:ok|\n");
  }

  TemporaryDirectory directory_;
};

// SLUICE_PAGEBUILD_SEED=n SLUICE_PAGEBUILD_CASES=1 runs the case of a failure by itself.
uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST_F(DatabaseBuilderTest, RandomDatabasesEqualSqlites) {
  const uint64_t seed = FromEnvironment("SLUICE_PAGEBUILD_SEED", std::random_device()());
  const uint64_t cases = FromEnvironment("SLUICE_PAGEBUILD_CASES", 1500);
  std::printf("cases %llu from seed %llu on\n", static_cast<unsigned long long>(cases),
              static_cast<unsigned long long>(seed));
  for (uint64_t i = 0; i < cases && !HasFailure(); ++i) CheckCase(seed + i);
}

}  // namespace
}  // namespace sluice
