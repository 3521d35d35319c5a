// SPDX-License-Identifier: Apache-2.0
#include "extract/inference.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "schema/schema.h"

namespace sluice {
namespace {

Table Inferred(std::string_view sample) {
  Inference inference;
  inference.Add(sample);
  const Table table = inference.Finish("t");
  EXPECT_TRUE(CheckTable(table).ok()) << CheckTable(table).message();
  return table;
}

// "name type, ..." of the columns made of keys.
std::string Columns(const Table& table) {
  std::string columns;
  for (const Column& column : table.columns) {
    if (column.origin != Origin::kPointer) continue;
    if (!columns.empty()) columns += ", ";
    columns += column.name;
    if (!column.declared_type.empty()) columns += " " + column.declared_type;
  }
  return columns;
}

TEST(Inference, ColumnsAreTheKeysInOrder) {
  const Table table = Inferred("{\"b\":1}\n\n{\"a\":\"x\",\"b\":2}\r\n");
  EXPECT_EQ(Columns(table), "b INTEGER, a TEXT");
  ASSERT_EQ(table.columns.size(), 5u);
  EXPECT_EQ(table.columns[2].name, "_source");
  EXPECT_EQ(table.columns[2].origin, Origin::kSource);
  EXPECT_EQ(table.columns[3].name, "_line");
  EXPECT_EQ(table.columns[3].origin, Origin::kLineNumber);
  EXPECT_EQ(table.columns[4].name, "_extra");
  EXPECT_EQ(table.columns[4].origin, Origin::kExtra);
  EXPECT_EQ(table.rowid_column, "_id");
  EXPECT_EQ(table.index_prefix, "idx_t_");
  EXPECT_EQ(table.preset, "auto");
}

TEST(Inference, ATypeStoresEveryValueUnchanged) {
  const auto type = [](const std::string& values) {
    std::string lines;
    for (size_t at = 0; at < values.size();) {
      const size_t end = std::min(values.find(' ', at), values.size());
      lines += "{\"a\":" + values.substr(at, end - at) + "}\n";
      at = end + 1;
    }
    return Inferred(lines).columns[0].declared_type;
  };
  EXPECT_EQ(type("1 -2 9223372036854775807"), "INTEGER");
  EXPECT_EQ(type("true false 1 null"), "INTEGER");
  EXPECT_EQ(type("1.5 2.0 1e3"), "REAL");
  EXPECT_EQ(type("1 1.5"), "") << "REAL would make 1.0 of 1";
  EXPECT_EQ(type("9223372036854775808"), "REAL") << "json_extract gives a real";
  EXPECT_EQ(type("\"x\" \"02139\""), "TEXT");
  EXPECT_EQ(type("{} [] \"x\""), "TEXT");
  EXPECT_EQ(type("1 \"02139\""), "") << "INTEGER would make 2139 of it, TEXT '1' of 1";
  EXPECT_EQ(type("1 \"x\""), "");
  EXPECT_EQ(type("1 {}"), "");
  EXPECT_EQ(type("null"), "");
}

TEST(Inference, StringsAreKeptOutOfNumericColumnsOnly) {
  const Table table = Inferred("{\"i\":1,\"r\":1.5,\"t\":\"x\",\"n\":null}\n");
  EXPECT_TRUE(table.columns[0].keep_strings_out);
  EXPECT_TRUE(table.columns[1].keep_strings_out);
  EXPECT_FALSE(table.columns[2].keep_strings_out);
  EXPECT_FALSE(table.columns[3].keep_strings_out);
}

TEST(Inference, NamesThatCollideGetANumber) {
  EXPECT_EQ(Columns(Inferred(R"({"id":1,"ID":2,"Id":3,"id_2":4})")),
            "id INTEGER, ID_2 INTEGER, Id_3 INTEGER, id_2_2 INTEGER");
  EXPECT_EQ(Columns(Inferred(R"({"_id":1,"_source":2,"_LINE":3,"_extra":4,"":5,"_":6})")),
            "_id_2 INTEGER, _source_2 INTEGER, _LINE_2 INTEGER, _extra_2 INTEGER, _ INTEGER, "
            "__2 INTEGER");
}

TEST(Inference, PointersAreEscaped) {
  const Table table = Inferred(R"({"a/b":1,"~":2,"log.level":3,"\u00e9":4,"":5})");
  std::vector<std::string> pointers;
  for (size_t i = 0; i < 5; ++i) pointers.push_back(table.columns[i].pointers[0]);
  EXPECT_EQ(pointers, (std::vector<std::string>{"/a~1b", "/~0", "/log.level", "/é", "/"}));
}

TEST(Inference, KeysThatCanBeNoColumnStayInExtra) {
  const std::string long_key(129, 'k');
  EXPECT_EQ(Columns(Inferred("{\"" + long_key + "\":1,\"a\\u0000b\":2,\"\\ud83d\":3,\"c\":4}")),
            "c INTEGER");
  EXPECT_EQ(WithColumnsFor(Inferred("{\"a\":1}"), {long_key}), std::nullopt);
}

TEST(Inference, BadLinesCountForNothing) {
  EXPECT_EQ(
      Columns(Inferred("{\"x\":1,\"y\":\n{\"a\":1}\n[1]\n5\nwords\n{\"z\":1}}\n{\"b\":\"cut")),
      "a INTEGER");
  EXPECT_EQ(Columns(Inferred("")), "");
  EXPECT_EQ(
      Columns(Inferred("{\"a\":\"\\ud83d\",\"b\":1e999,\"c\":123456789012345678901234567890}")),
      "a TEXT, b REAL, c REAL");
}

TEST(Inference, TheFirstOfDuplicateKeysCounts) {
  EXPECT_EQ(Columns(Inferred(R"({"a":1,"a":"x"})")), "a INTEGER");
}

TEST(Inference, OfTooManyKeysTheCommonOnesGetColumns) {
  // A map whose keys are ids: each line has one key of its own, and two that all have.
  std::string lines;
  for (int i = 0; i < 1000; ++i) {
    lines += "{\"k" + std::to_string(i) + "\":1,\"common\":2,\"other\":3}\n";
  }
  Inference inference;
  inference.Add(lines);
  const std::vector<std::string> keep = {"k999"};
  const Table table = inference.Finish("t", keep);
  EXPECT_EQ(table.columns.size(), Inference::kMaxColumns + 3);
  EXPECT_EQ(table.columns[0].name, "k0");
  EXPECT_EQ(table.columns[1].name, "common");
  EXPECT_EQ(table.columns[2].name, "other");
  EXPECT_EQ(table.columns[Inference::kMaxColumns - 1].name, "k999");
  EXPECT_EQ(inference.lines(), 1000u);
}

TEST(Inference, SamplesAddUp) {
  Inference inference;
  inference.Add("{\"a\":1}\n");
  inference.Add("\xEF\xBB\xBF{\"b\":1}\n{\"a\":\"x\"}\n");
  EXPECT_EQ(Columns(inference.Finish("t")), "a, b INTEGER");
}

TEST(Inference, AColumnForANewKeyKeepsItsValuesAsTheyCome) {
  const Table table = Inferred("{\"a\":1}\n");
  const std::optional<Table> wider = WithColumnsFor(table, {"A", ""});
  ASSERT_TRUE(wider.has_value());
  ASSERT_EQ(wider->columns.size(), table.columns.size() + 2);
  const Column& column = wider->columns[table.columns.size()];
  EXPECT_EQ(column.name, "A_2");
  EXPECT_EQ(column.pointers, std::vector<std::string>{"/A"});
  EXPECT_EQ(column.declared_type, "");
  EXPECT_EQ(wider->columns.back().name, "_");
}

// ALTER TABLE refuses these, and CREATE TABLE would hide the rowid behind them.
TEST(Inference, TheRowidsNamesAreTaken) {
  const Table table = Inferred(R"({"rowid":1,"OID":2,"_rowid_":3})");
  EXPECT_EQ(Columns(table), "rowid_2 INTEGER, OID_2 INTEGER, _rowid__2 INTEGER");
  EXPECT_EQ(ColumnOfKey(table, "OID"), "OID_2");
  EXPECT_EQ(ColumnOfKey(table, "rowid_2"), "rowid_2");
  const std::optional<Table> wider = WithColumnsFor(Inferred("{\"a\":1}"), {"oid", "Rowid"});
  ASSERT_TRUE(wider.has_value());
  EXPECT_EQ(wider->columns.end()[-2].name, "oid_2");
  EXPECT_EQ(wider->columns.back().name, "Rowid_2");
}

TEST(Inference, ColumnsOfOthersTakeNamesAndRoom) {
  const Table table = Inferred("{\"a\":1}\n");
  std::vector<std::string> others = {"_id", "a", "_source", "_line", "_extra", "Mine"};
  const std::optional<Table> wider = WithColumnsFor(table, {"mine"}, others);
  ASSERT_TRUE(wider.has_value());
  EXPECT_EQ(wider->columns.back().name, "mine_2");
  while (others.size() < kMaxColumns) others.push_back("c" + std::to_string(others.size()));
  const std::optional<Table> full = WithColumnsFor(table, {"b", "c"}, others);
  ASSERT_TRUE(full.has_value());
  EXPECT_EQ(full->columns.back().name, "b");
  others.push_back("last");
  EXPECT_EQ(WithColumnsFor(table, {"b", "c"}, others), std::nullopt);
}

}  // namespace
}  // namespace sluice
