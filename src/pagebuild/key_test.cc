// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/key.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "bind_cell.h"

namespace sluice {
namespace {

std::string KeyOf(const std::vector<Cell>& cells) {
  KeyBuilder builder;
  return std::string(builder.Build(cells));
}

// Numbers where order is easily got wrong: around the doubles that are no longer exact, the ends of
// the integers, zeros of both signs, halves.
Cell TrickyNumber(std::mt19937_64& random) {
  static const std::vector<int64_t> integers = {0,
                                                1,
                                                -1,
                                                5,
                                                127,
                                                128,
                                                -128,
                                                -129,
                                                1 << 23,
                                                int64_t{1} << 31,
                                                -(int64_t{1} << 31),
                                                int64_t{1} << 47,
                                                -(int64_t{1} << 47) - 1,
                                                int64_t{1} << 53,
                                                -(int64_t{1} << 53),
                                                int64_t{1} << 62,
                                                std::numeric_limits<int64_t>::max(),
                                                std::numeric_limits<int64_t>::min()};
  const int64_t integer = integers[random() % integers.size()];
  const auto near = static_cast<int64_t>(static_cast<uint64_t>(integer) + random() % 5 -
                                         2);  // wraps around at the ends
  switch (random() % 6) {
    case 0:
      return Cell::Integer(integer);
    case 1:
      return Cell::Integer(near);
    case 2:
      return Cell::Real(static_cast<double>(near));
    case 3:
      return Cell::Real(
          std::nextafter(static_cast<double>(near), random() % 2 == 0 ? 1e300 : -1e300));
    case 4:
      return Cell::Real(static_cast<double>(static_cast<int64_t>(random() % 9) - 4) / 2);
    default:
      return random() % 2 == 0 ? Cell::Real(-0.0) : Cell::Real(9223372036854775808.0);
  }
}

// Bytes with long common beginnings, NUL bytes, bytes above 127, of all lengths from none on.
// `texts` owns them.
std::string_view TrickyBytes(std::mt19937_64& random, std::vector<std::string>* texts) {
  std::string bytes(random() % 4 == 0 ? 60 : random() % 12, 'p');
  for (uint64_t i = random() % 6; i > 0; --i) bytes += "\0a\x01\xC3\xFF"[random() % 5];
  texts->push_back(std::move(bytes));
  return texts->back();
}

Cell TrickyCell(std::mt19937_64& random, std::vector<std::string>* texts) {
  switch (random() % 8) {
    case 0:
      return Cell::Null();
    case 1:
    case 2:
    case 3:
      return TrickyNumber(random);
    case 4:
      return Cell::Blob(TrickyBytes(random, texts));
    default:
      return Cell::Text(TrickyBytes(random, texts));
  }
}

// Rows in a table without affinities, and the order that SQLite gives them.
class SqliteOrder {
 public:
  explicit SqliteOrder(size_t columns) : columns_(columns) {
    sqlite3_open(":memory:", &db_);
    std::string names;
    std::string values;
    for (size_t i = 0; i < columns; ++i) {
      names += (i == 0 ? "c" : ", c") + std::to_string(i);
      values += i == 0 ? "?" : ", ?";
    }
    Execute("CREATE TABLE t(" + names + ")");
    sqlite3_prepare_v2(db_, ("INSERT INTO t VALUES(" + values + ")").c_str(), -1, &insert_,
                       nullptr);
    order_ = "SELECT rowid FROM t ORDER BY " + names + ", rowid";
  }
  ~SqliteOrder() {
    sqlite3_finalize(insert_);
    sqlite3_close(db_);
  }
  SqliteOrder(const SqliteOrder&) = delete;
  SqliteOrder& operator=(const SqliteOrder&) = delete;

  void Insert(const std::vector<Cell>& cells) {
    for (size_t i = 0; i < columns_; ++i) BindCell(insert_, static_cast<int>(i + 1), cells[i]);
    EXPECT_EQ(sqlite3_step(insert_), SQLITE_DONE);
    sqlite3_reset(insert_);
  }
  void Execute(const std::string& sql) {
    EXPECT_EQ(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sql;
  }
  std::vector<int64_t> Rowids() {
    std::vector<int64_t> rowids;
    sqlite3_stmt* rows = nullptr;
    sqlite3_prepare_v2(db_, order_.c_str(), -1, &rows, nullptr);
    while (sqlite3_step(rows) == SQLITE_ROW) rowids.push_back(sqlite3_column_int64(rows, 0));
    sqlite3_finalize(rows);
    return rowids;
  }

 private:
  const size_t columns_;
  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  std::string order_;
};

TEST(KeyTest, OrderIsThatOfSqlite) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (size_t columns : std::vector<size_t>{1, 2, 3}) {
    SqliteOrder sqlite(columns);
    sqlite.Execute("BEGIN");
    std::vector<std::string> keys;
    std::vector<std::string> texts;
    texts.reserve(20000);  // cells are views into it
    for (int row = 0; row < 4000; ++row) {
      std::vector<Cell> cells;
      for (size_t i = 0; i < columns; ++i) {
        // Few values in the first columns, so that the last ones decide.
        const bool few = i + 1 < columns && random() % 2 == 0;
        cells.push_back(few ? Cell::Integer(static_cast<int64_t>(random() % 3))
                            : TrickyCell(random, &texts));
      }
      sqlite.Insert(cells);
      keys.push_back(KeyOf(cells));
    }

    std::vector<int64_t> rowids(keys.size());
    for (size_t i = 0; i < rowids.size(); ++i) rowids[i] = static_cast<int64_t>(i + 1);
    const auto key = [&](int64_t rowid) { return keys[static_cast<size_t>(rowid - 1)].data(); };
    std::ranges::stable_sort(rowids, [&](int64_t a, int64_t b) {
      return CompareKeys(key(a), key(b), columns).order < 0;
    });
    ASSERT_EQ(rowids, sqlite.Rowids()) << columns << " columns";

    for (size_t i = 1; i < rowids.size(); ++i) {
      ASSERT_LE(KeyPrefix(key(rowids[i - 1]), columns), KeyPrefix(key(rowids[i]), columns));
    }
  }
}

TEST(KeyTest, AKeyIsSerialTypesAndThenBodies) {
  EXPECT_EQ(KeyOf({Cell::Text("ab"), Cell::Integer(5)}), std::string("\x11\x01"
                                                                     "ab"
                                                                     "\x05"));
  EXPECT_EQ(KeyOf({Cell::Text("ab")}),
            "\x11"
            "ab");
  EXPECT_EQ(KeyOf({Cell::Null(), Cell::Integer(1), Cell::Integer(-2)}),
            std::string("\x00\x09\x01\xFE", 4));
  EXPECT_EQ(KeyOf({Cell::Blob("x")}), "\x0Ex");
  const std::string long_text(58, 'x');  // the first whose serial type takes two bytes
  EXPECT_EQ(KeyOf({Cell::Text(long_text)}), "\x81\x01" + long_text);
}

TEST(KeyTest, ShapeSaysTheLengthOfAKey) {
  std::mt19937_64 random(1);
  std::vector<std::string> texts;
  texts.reserve(3000);
  for (int i = 0; i < 1000; ++i) {
    const std::string key = KeyOf({TrickyCell(random, &texts), TrickyCell(random, &texts)});
    const KeyShape shape = ShapeOfKey(key.data(), 2);
    ASSERT_EQ(shape.header + shape.body, key.size());
  }
}

TEST(KeyTest, LeadingColumnsThatAreEqualAreCounted) {
  const std::string a = KeyOf({Cell::Integer(5), Cell::Text("x"), Cell::Null()});
  const std::string b = KeyOf({Cell::Real(5), Cell::Text("x"), Cell::Integer(0)});
  EXPECT_EQ(CompareKeys(a.data(), b.data(), 3).equal_columns, 2u);
  EXPECT_LT(CompareKeys(a.data(), b.data(), 3).order, 0);
  EXPECT_EQ(CompareKeys(a.data(), a.data(), 3).equal_columns, 3u);
}

TEST(KeyTest, PrefixesPassOverWhatTextsHaveInCommon) {
  const std::string common(100, '/');
  const std::string a = KeyOf({Cell::Text(common + "a")});
  const std::string b = KeyOf({Cell::Text(common + "b")});
  EXPECT_EQ(KeyPrefix(a.data(), 1), KeyPrefix(b.data(), 1));
  EXPECT_LT(KeyPrefix(a.data(), 1, 100), KeyPrefix(b.data(), 1, 100));
  const std::string exact = KeyOf({Cell::Text(common)});
  EXPECT_LT(KeyPrefix(exact.data(), 1, 100), KeyPrefix(a.data(), 1, 100));
}

TEST(KeyTest, CommonPrefixCountsToTheFirstDifference) {
  for (size_t size : std::vector<size_t>{0, 1, 7, 8, 9, 16, 40}) {
    const std::string text(size, 'x');
    EXPECT_EQ(CommonPrefix(text, text + "y"), size);
    for (size_t at = 0; at < size; ++at) {
      std::string other = text;
      other[at] = 'z';
      EXPECT_EQ(CommonPrefix(text, other), at);
    }
  }
}

}  // namespace
}  // namespace sluice
