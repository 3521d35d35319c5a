// SPDX-License-Identifier: Apache-2.0
#include "sink/unfold.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ingest/line_cells.h"
#include "schema/names.h"
#include "schema/schema.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

// Keys and values that are hard to name or to copy.
constexpr const char* kLines[] = {
    R"({"a":1})",
    R"({"a":2,"plain":"x","n":null,"t":true,"f":false})",
    R"({"b\"c":1.50,"d\\e":[1e400,-0.0, 12345678901234567890],"":"empty","x.y":{"k":"\u00e4"}})",
    R"({"plain":{"deep":[1,2]},"a b":1E2,"ключ":"\n","$[0]":7})",
    R"({"plain":12,"left":1})",
    R"({"left":2})"};

class UnfoldTest : public testing::Test {
 protected:
  UnfoldTest() : connection_(Open(folder_ / "a.db")) {
    table_.name = "t";
    table_.columns = {ColumnOf("a", "/a"), ColumnOf("_extra", "")};
    table_.columns[1].origin = Origin::kExtra;
    Run("CREATE TABLE t(a, _extra TEXT); CREATE TABLE line(text)");
    for (const char* line : kLines) {
      Run("INSERT INTO line VALUES (" + QuoteText(line) + ")");
      Run("INSERT INTO t SELECT json_extract(text, '$.a'), nullif(json_remove(text, '$.a'), '{}') "
          "FROM line ORDER BY rowid DESC LIMIT 1");
    }
  }

  static Connection Open(const std::string& path) {
    return std::move(*Connection::Open(path, {.mode = OpenOptions::Mode::kCreate}));
  }
  static Column ColumnOf(const std::string& name, const std::string& pointer) {
    Column column;
    column.name = name;
    if (!pointer.empty()) column.pointers = {pointer};
    return column;
  }
  void Run(const std::string& sql) {
    const Status status = connection_.Execute(sql);
    EXPECT_TRUE(status.ok()) << status.message();
  }
  std::string One(const std::string& sql) {
    const auto text = connection_.QueryText(sql);
    EXPECT_TRUE(text) << text.error().message();
    return text ? text->value_or("NULL") : "";
  }
  Result<uint64_t> Unfold(const Table& wider) {
    const UnfoldRules rules{.extractor_of = [](const Table& table) {
      return [cells = std::make_shared<LineCells>(table)](std::string_view line) {
        return cells->Of(line);
      };
    }};
    return UnfoldExtra(connection_, table_, wider, rules);
  }
  // A column c0, c1, ... for each key.
  Table WithColumnsFor(const std::vector<std::string>& keys) const {
    Table wider = table_;
    for (size_t i = 0; i < keys.size(); ++i)
      wider.columns.push_back(ColumnOf("c" + std::to_string(i), PointerTo(keys[i])));
    return wider;
  }

  TemporaryDirectory folder_;
  Connection connection_;
  Table table_;
};

TEST_F(UnfoldTest, FindsTheKeysThatHaveNoColumn) {
  const auto keys = KeysInExtra(connection_, table_);
  ASSERT_TRUE(keys) << keys.error().message();
  EXPECT_EQ(*keys, (std::vector<std::string>{"plain", "n", "t", "f", "b\"c", "d\\e", "", "x.y",
                                             "a b", "ключ", "$[0]", "left"}));
  // One that columns look into has a place.
  table_.columns.push_back(ColumnOf("deep", "/plain/deep"));
  EXPECT_EQ(KeysInExtra(connection_, table_)->front(), "n");
}

// The judge is json_each over the lines themselves, as json_extract cannot be given every key.
TEST_F(UnfoldTest, ACellIsWhatTheLineHasAndTheKeyLeavesExtra) {
  std::vector<std::string> keys = *KeysInExtra(connection_, table_);
  keys.pop_back();  // "left" has no column
  const auto changed = Unfold(WithColumnsFor(keys));
  ASSERT_TRUE(changed) << changed.error().message();
  EXPECT_EQ(*changed, 4U);
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string judge =
        "(SELECT value FROM line, json_each(text) WHERE line.rowid = t.rowid "
        "AND key = " +
        QuoteText(keys[i]) + ")";
    const std::string cell = "c" + std::to_string(i);
    EXPECT_EQ(One("SELECT count(*) FROM t WHERE " + cell + " IS NOT " + judge + " OR typeof(" +
                  cell + ") <> typeof(" + judge + ")"),
              "0")
        << keys[i];
  }
  EXPECT_EQ(One("SELECT group_concat(coalesce(_extra, '-'), ' ') FROM t"),
            R"(- - - - {"left":1} {"left":2})");
  EXPECT_EQ(*KeysInExtra(connection_, table_), std::vector<std::string>{"left"});
}

// What is left stands as it stood: 1.50 and 1e400 are not read as numbers on the way.
TEST_F(UnfoldTest, WhatStaysInExtraKeepsItsBytes) {
  ASSERT_TRUE(Unfold(WithColumnsFor({""})));
  EXPECT_EQ(One("SELECT _extra FROM t WHERE rowid = 3"),
            R"({"b\"c":1.50,"d\\e":[1e400,-0.0,12345678901234567890],"x.y":{"k":"\u00e4"}})");
}

TEST_F(UnfoldTest, AColumnForAKeyThatIsNowhereChangesNoRow) {
  const auto changed = Unfold(WithColumnsFor({"nowhere"}));
  ASSERT_TRUE(changed) << changed.error().message();
  EXPECT_EQ(*changed, 0U);
  EXPECT_EQ(One("SELECT count(c0) FROM t"), "0");
}

TEST_F(UnfoldTest, AThousandKeysOfARow) {
  Run("DELETE FROM t; INSERT INTO t(_extra) SELECT json_group_object(value || printf('%0*d', 100, "
      "0), "
      "value) FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE "
      "value < 1000) SELECT value FROM n)");
  const auto keys = KeysInExtra(connection_, table_);
  ASSERT_EQ(keys->size(), 1000U);
  const auto changed = Unfold(WithColumnsFor(*keys));
  ASSERT_TRUE(changed) << changed.error().message();
  EXPECT_EQ(One("SELECT c0 || ',' || c500 || ',' || c999 || ',' || coalesce(_extra, '-') FROM t"),
            "1,501,1000,-");
}

TEST_F(UnfoldTest, WhatIsNoObjectIsLeftAlone) {
  Run("UPDATE t SET _extra = CASE rowid WHEN 1 THEN 'no json' WHEN 2 THEN '[1]' WHEN 3 THEN x'00' "
      "ELSE 5 END");
  EXPECT_TRUE(KeysInExtra(connection_, table_)->empty());
  const auto changed = Unfold(WithColumnsFor({"plain"}));
  ASSERT_TRUE(changed) << changed.error().message();
  EXPECT_EQ(*changed, 0U);
}

TEST_F(UnfoldTest, UpdateTriggersRunForRowsThatChange) {
  Run("CREATE TABLE log(n); CREATE TRIGGER u AFTER UPDATE ON t BEGIN INSERT INTO log VALUES "
      "(new.rowid); END");
  ASSERT_TRUE(Unfold(WithColumnsFor({"left"})));
  EXPECT_EQ(One("SELECT group_concat(n) FROM log"), "5,6");
}

TEST_F(UnfoldTest, ATriggerMayRefuse) {
  Run("CREATE TRIGGER u BEFORE UPDATE ON t BEGIN SELECT raise(ABORT, 'append only'); END");
  const auto changed = Unfold(WithColumnsFor({"left"}));
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code(), StatusCode::kConstraint);
}

TEST_F(UnfoldTest, AKeyOfAnotherColumnStaysInExtra) {
  Run("UPDATE t SET _extra = '{\"a\":\"of another type\",\"left\":3}' WHERE rowid = 1");
  ASSERT_TRUE(Unfold(WithColumnsFor({"left"})));
  EXPECT_EQ(One("SELECT a || _extra || c0 FROM t WHERE rowid = 1"), R"(1{"a":"of another type"}3)");
}

TEST_F(UnfoldTest, RowsWithoutANameAreLeftAlone) {
  Run("DROP TABLE t; CREATE TABLE t(a PRIMARY KEY, _extra TEXT) WITHOUT ROWID; "
      "INSERT INTO t VALUES (1, '{\"left\":1}')");
  const auto changed = Unfold(WithColumnsFor({"left"}));
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code(), StatusCode::kUnsupported);
}

TEST_F(UnfoldTest, StopsAtAWord) {
  UnfoldRules rules;
  rules.extractor_of = [](const Table&) -> ExtractFunction { return {}; };
  StopToken stop;
  stop.RequestStop();
  rules.stop = &stop;
  const auto changed = UnfoldExtra(connection_, table_, WithColumnsFor({"left"}), rules);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace sluice
