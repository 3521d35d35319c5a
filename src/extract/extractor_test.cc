// SPDX-License-Identifier: Apache-2.0
#include "extract/extractor.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "extract/value.h"
#include "extract_check.h"
#include "json_oracle.h"

namespace sluice {
namespace {

Column PointerColumn(std::vector<std::string> pointers) {
  Column column;
  for (const std::string& pointer : pointers) column.name += pointer + ">";
  column.pointers = std::move(pointers);
  return column;
}

Column AtColumn(Origin origin) {
  Column column;
  column.name = "@";
  column.origin = origin;
  return column;
}

Table TableOf(std::vector<Column> columns) {
  Table table;
  table.name = "t";
  table.columns = std::move(columns);
  return table;
}

// Lines in a buffer of their own, extracted.
class Extraction {
 public:
  Extraction(const Table& table, const std::vector<std::string>& texts) : extractor_(table) {
    batch_.table = &table;
    Again(texts);
  }

  void Again(const std::vector<std::string>& texts) {
    const Table* table = batch_.table;
    batch_.Clear();
    batch_.table = table;
    size_t size = 0;
    for (const std::string& text : texts) size += text.size() + 1;
    chunk_ = std::make_unique<Buffer>(size);
    char* at = chunk_->data();
    for (const std::string& text : texts) {
      std::memcpy(at, text.data(), text.size());
      at[text.size()] = '\n';
      batch_.lines.push_back(
          {{at, text.size()}, batch_.lines.size() + 1, static_cast<uint64_t>(at - chunk_->data())});
      at += text.size() + 1;
    }
    extractor_.Extract({"/logs/a.jsonl", "2026-01-31T23:59:59.123Z"}, &batch_);
  }

  const RowBatch& batch() const { return batch_; }

  // "integer 1 | text x", or what became of it instead.
  std::string Row(size_t line) const {
    for (const Reject& reject : batch_.rejects) {
      if (reject.line.text.data() == batch_.lines[line].text.data()) {
        return "reject: " + std::string(Describe(reject.reason)) + ": " + reject.detail;
      }
    }
    for (size_t row = 0; row < batch_.rows(); ++row) {
      if (batch_.row_lines[row] != line) continue;
      std::string text;
      for (const Cell& cell : batch_.row(row)) text += (text.empty() ? "" : " | ") + ToString(cell);
      return text;
    }
    return "lost";
  }

 private:
  Extractor extractor_;
  std::unique_ptr<Buffer> chunk_;
  RowBatch batch_;
};

std::string Extracted(const std::vector<std::string>& pointers, const std::string& line) {
  const Table table = TableOfPointers({pointers});
  return Extraction(table, {line}).Row(0);
}

TEST(ExtractorTest, TheRulesOfACell) {
  EXPECT_EQ(Extracted({"/a"}, R"({"a":"x"})"), "text x");
  EXPECT_EQ(Extracted({"/a"}, R"({"a":12})"), "integer 12");
  EXPECT_EQ(Extracted({"/a"}, R"({"a":1.5})"), "real 0x1.8p+0");
  EXPECT_EQ(Extracted({"/a"}, R"({"a":true})"), "integer 1");
  EXPECT_EQ(Extracted({"/a"}, R"({"a":false})"), "integer 0");
  EXPECT_EQ(Extracted({"/a"}, R"({"a":null})"), "null");
  EXPECT_EQ(Extracted({"/a"}, R"({"b":1})"), "null");
  EXPECT_EQ(Extracted({"/a"}, R"({"a": { "b" : [ 1 , "x y" , 1.50 ] } })"),
            R"(text {"b":[1,"x y",1.50]})");
  EXPECT_EQ(Extracted({"/a"}, R"({"a":"\u0041\n\ud83d\ude00\/"})"), "text A\n😀/");
  EXPECT_EQ(Extracted({"/a"}, R"({"a":1,"a":2})"), "integer 1");
  EXPECT_EQ(Extracted({"/a/b"}, R"({"a":1,"a":{"b":2}})"), "null");
  EXPECT_EQ(Extracted({"/a"}, R"({"\u0061":1})"), "integer 1");
  EXPECT_EQ(Extracted({"/a/0"}, R"({"a":["x"]})"), "text x");
  EXPECT_EQ(Extracted({"/a/0"}, R"({"a":{"0":"y"}})"), "text y");
  EXPECT_EQ(Extracted({"/a/00"}, R"({"a":["x"]})"), "null");
  EXPECT_EQ(Extracted({"/a/-"}, R"({"a":["x"]})"), "null");
  EXPECT_EQ(Extracted({"/"}, R"({"":5})"), "integer 5");
  EXPECT_EQ(Extracted({"/a~1b"}, R"({"a/b":5})"), "integer 5");
  EXPECT_EQ(Extracted({"/m~0n"}, R"({"m~n":5})"), "integer 5");
  EXPECT_EQ(Extracted({"/~01"}, R"({"~1":5})"), "integer 5");
  EXPECT_EQ(Extracted({""}, R"({ "a" : 1 })"), R"(text {"a":1})");
}

TEST(ExtractorTest, StatedDifferenceAnUnpairedSurrogateBecomesTheReplacementCharacter) {
  EXPECT_EQ(Extracted({"/a"}, R"({"a":"x\ud83dy"})"), "text x\uFFFDy");
  EXPECT_EQ(Extracted({"/a"}, R"({"a":"\ude00\ud83d"})"), "text \uFFFD\uFFFD");
  EXPECT_EQ(Extracted({"/a"}, R"({"a":"\ud83d\ud83d\ude00"})"), "text \uFFFD😀");
  // In the JSON text of a container the escape stays as it is written, as in json_extract.
  EXPECT_EQ(Extracted({"/a"}, R"({"a":["\ud83d"]})"), R"(text ["\ud83d"])");
}

TEST(ExtractorTest, ChainsGoOnInTheTextOfAString) {
  EXPECT_EQ(Extracted({"/m", "/pid"}, R"({"m":"{\"pid\":5}"})"), "integer 5");
  EXPECT_EQ(Extracted({"/m", "/pid"}, R"({"m":{"pid":5}})"), "integer 5");
  EXPECT_EQ(Extracted({"/m", "/pid"}, R"({"m":"no json"})"), "null");
  EXPECT_EQ(Extracted({"/m", "/pid"}, R"({"m":"{\"pid\":5} x"})"), "null");
  EXPECT_EQ(Extracted({"/m", "/pid"}, R"({"m":"{'pid':5}"})"),
            "null");  // JSON5, which json_extract would take
  EXPECT_EQ(Extracted({"/m", "/pid"}, R"({"m":5})"), "null");
  EXPECT_EQ(Extracted({"/m", "/a", "/b"}, R"({"m":"{\"a\":\"{\\\"b\\\":[ 1 ]}\"}"})"), "text [1]");
  EXPECT_EQ(Extracted({"/m", ""}, R"({"m":"[1, 2]"})"), "text [1,2]");
  EXPECT_EQ(Extracted({"/m", ""}, R"({"m":"7"})"), "integer 7");
}

TEST(ExtractorTest, OneTextThatIsNoJsonDoesNotSpoilItsNeighbours) {
  const Table table = TableOfPointers({{"/m"}, {"/m", "/pid"}});
  const Extraction extraction(
      table, {R"({"m":"{\"pid\":1}"})", R"({"m":"{\"pid\":\"x}"})", R"({"m":"{\"pid\":3}"})"});
  EXPECT_EQ(extraction.Row(0), R"(text {"pid":1} | integer 1)");
  EXPECT_EQ(extraction.Row(1), R"(text {"pid":"x} | null)");
  EXPECT_EQ(extraction.Row(2), R"(text {"pid":3} | integer 3)");
}

TEST(ExtractorTest, AtColumns) {
  const Table table =
      TableOf({AtColumn(Origin::kLine), AtColumn(Origin::kSource), AtColumn(Origin::kLineNumber),
               AtColumn(Origin::kByteOffset), AtColumn(Origin::kIngestedAt)});
  const Extraction extraction(table, {"{ }", "{}"});
  EXPECT_EQ(
      extraction.Row(0),
      "text { } | text /logs/a.jsonl | integer 1 | integer 0 | text 2026-01-31T23:59:59.123Z");
  EXPECT_EQ(extraction.Row(1),
            "text {} | text /logs/a.jsonl | integer 2 | integer 4 | text 2026-01-31T23:59:59.123Z");
}

TEST(ExtractorTest, ExtraHoldsWhatNoColumnHolds) {
  const Table table =
      TableOf({PointerColumn({"/a"}), PointerColumn({"/deep/x"}), AtColumn(Origin::kExtra)});
  const auto extra = [&table](const std::string& line) {
    const std::string row = Extraction(table, {line}).Row(0);
    return row.substr(row.rfind(" | ") + 3);
  };
  EXPECT_EQ(extra(R"({"a":1})"), "null");
  EXPECT_EQ(extra(R"({"a":1,"b":[ 1, 2 ],"c":"x y"})"), R"(text {"b":[1,2],"c":"x y"})");
  EXPECT_EQ(extra(R"({"b":1,"\u0062":2,"b":3})"), R"(text {"b":1})");
  EXPECT_EQ(extra(R"({"\u0061":1})"), "null");
  EXPECT_EQ(extra(R"({"deep":{"x":1,"y":2}})"), R"(text {"deep":{"x":1,"y":2}})");
  EXPECT_EQ(extra(R"({"a":1,"a\u0000b":2})"), R"(text {"a\u0000b":2})");
}

TEST(ExtractorTest, UnknownKeysOfABatchEachOnce) {
  const Table table = TableOf({PointerColumn({"/a"}), AtColumn(Origin::kExtra)});
  const Extraction extraction(table, {R"({"a":1,"x":1})", R"({"y":1,"\u0078":2})"});
  EXPECT_EQ(extraction.batch().unknown_keys, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(extraction.batch().lines_with_unknown_keys, 2U);
  const Table without_extra = TableOf({PointerColumn({"/a"})});
  EXPECT_TRUE(Extraction(without_extra, {R"({"x":1})"}).batch().unknown_keys.empty());
}

TEST(ExtractorTest, StringsThatANumericColumnWouldChangeAreKeptOut) {
  Table table = TableOf({PointerColumn({"/zip"}), AtColumn(Origin::kExtra)});
  table.columns[0].affinity = Affinity::kInteger;
  table.columns[0].keep_strings_out = true;
  const Extraction extraction(table, {R"({"zip":2139})", R"({"zip":"02139"})", R"({"zip":"none"})",
                                      R"({"b":1,"zip":" 1e3 "})"});
  EXPECT_EQ(extraction.Row(0), "integer 2139 | null");
  EXPECT_EQ(extraction.Row(1), R"(null | text {"zip":"02139"})");
  EXPECT_EQ(extraction.Row(2), "text none | null");
  EXPECT_EQ(extraction.Row(3), R"(null | text {"b":1,"zip":" 1e3 "})");
  EXPECT_EQ(extraction.batch().strings_kept_out, 2u);
}

TEST(ExtractorTest, LooksNumericIsWhatNumericAffinityChanges) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(":memory:", &db), SQLITE_OK);
  sqlite3_exec(db, "CREATE TABLE t(n NUMERIC)", nullptr, nullptr, nullptr);
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO t VALUES(?1) RETURNING typeof(n)", -1, &insert, nullptr);
  for (std::string_view text :
       {std::string_view("1"),     std::string_view("02139"),    std::string_view(" 5 "),
        std::string_view("1e3"),   std::string_view("+1"),       std::string_view("-.5"),
        std::string_view("5."),    std::string_view("."),        std::string_view("-"),
        std::string_view(""),      std::string_view("1e"),       std::string_view("1e+"),
        std::string_view("e5"),    std::string_view("0x10"),     std::string_view("1 2"),
        std::string_view("inf"),   std::string_view("nan"),      std::string_view("1.5.2"),
        std::string_view("\v1\f"), std::string_view("5.e2"),     std::string_view("- 5"),
        std::string_view("1_000"), std::string_view("12\0x", 4), std::string_view("٣")}) {
    sqlite3_bind_text(insert, 1, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    ASSERT_EQ(sqlite3_step(insert), SQLITE_ROW);
    const std::string_view type = reinterpret_cast<const char*>(sqlite3_column_text(insert, 0));
    EXPECT_EQ(LooksNumeric(text), type != "text") << text << " is " << type;
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  sqlite3_close(db);
}

TEST(ExtractorTest, Rejects) {
  const Table table = TableOfPointers({{"/a"}});
  const Extraction extraction(table, {R"({"a":1})", R"({"a":1)", "[1]", R"(  "x")",
                                      "{\"a\":\"\xff\"}", R"({"a":2})", "7", "null", "true"});
  EXPECT_EQ(extraction.Row(0), "integer 1");
  EXPECT_EQ(extraction.Row(1), "reject: invalid JSON: the line ends too soon");
  EXPECT_EQ(extraction.Row(2), "reject: not an object: an array");
  EXPECT_EQ(extraction.Row(3), "reject: not an object: a string");
  EXPECT_EQ(extraction.Row(4), "reject: invalid UTF-8: ");
  EXPECT_EQ(extraction.Row(5), "integer 2");
  EXPECT_EQ(extraction.Row(6), "reject: not an object: a number");
  EXPECT_EQ(extraction.Row(7), "reject: not an object: null");
  EXPECT_EQ(extraction.Row(8), "reject: not an object: a boolean");
  EXPECT_EQ(extraction.batch().counts.rows, 2u);
  EXPECT_EQ(extraction.batch().counts.rejects, 7u);
  EXPECT_EQ(extraction.batch().rejects[0].position, 6u);
  EXPECT_EQ(extraction.batch().rejects[0].length, 6u);
}

TEST(ExtractorTest, RawTakesAnyJson) {
  Table table = TableOfPointers({{""}, {"/0"}});
  table.any_json = true;
  const Extraction extraction(table, {"[ 1 ]", "\"x\"", "7", "null", "{}", "nul"});
  EXPECT_EQ(extraction.Row(0), "text [1] | integer 1");
  EXPECT_EQ(extraction.Row(1), "text x | null");
  EXPECT_EQ(extraction.Row(2), "integer 7 | null");
  EXPECT_EQ(extraction.Row(3), "null | null");
  EXPECT_EQ(extraction.Row(4), "text {} | null");
  EXPECT_EQ(extraction.Row(5), "reject: invalid JSON: the line ends too soon");
}

TEST(ExtractorTest, NestingUpToSqlitesLimit) {
  const auto nested = [](size_t levels) {
    return R"({"a":)" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
  };
  const Table table = TableOfPointers({{"/b"}});
  EXPECT_EQ(Extraction(table, {nested(1000)}).Row(0), "null");
  EXPECT_EQ(Extraction(table, {nested(1001)}).Row(0),
            "reject: nested too deep: more than 1,000 levels");
  const Table wanted = TableOfPointers({{"/a"}});
  EXPECT_EQ(Extraction(wanted, {nested(1000)}).Row(0),
            "text " + std::string(999, '[') + std::string(999, ']'));
}

TEST(ExtractorTest, IsCompleteJson) {
  EXPECT_TRUE(IsCompleteJson(R"({"a":1})", false));
  EXPECT_TRUE(IsCompleteJson(" [1] ", false));
  EXPECT_FALSE(IsCompleteJson("12", false));
  EXPECT_TRUE(IsCompleteJson("12", true));
  EXPECT_FALSE(IsCompleteJson(R"({"a":1)", false));
  EXPECT_FALSE(IsCompleteJson("", true));
}

}  // namespace
}  // namespace sluice
