// SPDX-License-Identifier: Apache-2.0
#include "cli/formats.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "cli/json_writer.h"
#include "cli/reject_text.h"

namespace sluice {
namespace {

using namespace std::literals;

Terminal Wide(size_t columns) {
  Terminal terminal;
  terminal.interactive = true;
  terminal.columns = columns;
  return terminal;
}

std::string Printed(RowFormat format, std::vector<std::string> columns,
                    const std::vector<std::vector<Value>>& rows, Terminal terminal = {}) {
  std::string out;
  RowPrinter printer(format, std::move(columns), terminal, [&](std::string_view bytes) {
    out += bytes;
    return Status();
  });
  for (const auto& row : rows) EXPECT_TRUE(printer.Row(row).ok());
  EXPECT_TRUE(printer.Finish().ok());
  return out;
}

const std::vector<std::vector<Value>>& Mixed() {
  static const std::vector<std::vector<Value>> rows = {
      {int64_t{1}, 2.5, "plain"sv},
      {int64_t{-1234567}, 3.0, "say \"hi\", you\nthere"sv},
      {std::monostate{}, std::numeric_limits<double>::infinity(), ""sv},
      {int64_t{7}, 1e300, Blob{"\x00\xff"sv}}};
  return rows;
}

TEST(Formats, Table) {
  EXPECT_EQ(Printed(RowFormat::kTable, {"id", "real", "text"}, Mixed()),
            "┌──────────┬────────┬──────────────────────┐\n"
            "│ id       │ real   │ text                 │\n"
            "├──────────┼────────┼──────────────────────┤\n"
            "│        1 │    2.5 │ plain                │\n"
            "│ -1234567 │    3.0 │ say \"hi\", you\\nthere │\n"
            "│ NULL     │    Inf │                      │\n"
            "│        7 │ 1e+300 │ x'00ff'              │\n"
            "└──────────┴────────┴──────────────────────┘\n");
}

TEST(Formats, TableOfNoRowsStillNamesItsColumns) {
  EXPECT_EQ(Printed(RowFormat::kTable, {"a", "bc"}, {}),
            "┌───┬────┐\n│ a │ bc │\n├───┼────┤\n└───┴────┘\n");
}

TEST(Formats, TableFitsItsTerminalTheWidestColumnGivesWay) {
  const std::string long_text(200, 'x');
  const std::string table = Printed(RowFormat::kTable, {"n", "text"},
                                    {{int64_t{42}, std::string_view(long_text)}}, Wide(30));
  EXPECT_EQ(table,
            "┌────┬───────────────────────┐\n"
            "│ n  │ text                  │\n"
            "├────┼───────────────────────┤\n"
            "│ 42 │ xxxxxxxxxxxxxxxxxxxx… │\n"
            "└────┴───────────────────────┘\n");
}

TEST(Formats, TableCountsColumnsNotBytesNorCharacters) {
  // Wide, combining and narrow characters; each line is 10 columns.
  const std::string table =
      Printed(RowFormat::kTable, {"t"}, {{"日本語"sv}, {"e\u0301tat"sv}, {"naïve…"sv}});
  EXPECT_EQ(table,
            "┌────────┐\n"
            "│ t      │\n"
            "├────────┤\n"
            "│ 日本語 │\n"
            "│ e\u0301tat   │\n"
            "│ naïve… │\n"
            "└────────┘\n");
}

TEST(Formats, NothingInATableSteersTheTerminal) {
  const std::string table =
      Printed(RowFormat::kTable, {"\x1b[31m"}, {{"\x1b]0;owned\x07\r\x7f\u0085\xff"sv}});
  for (const char c : table)
    EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << table;
  EXPECT_NE(table.find("\\x1b]0;owned\\x07\\r\\x7f\\x85\uFFFD"), std::string::npos) << table;
}

TEST(Formats, WhatTurnsTheDirectionOfWritingIsShown) {
  const std::string table = Printed(RowFormat::kTable, {"t"}, {{"a\u202Eb\u2066c\u200Fd"sv}});
  EXPECT_NE(table.find("│ a\\u202eb\\u2066c\\u200fd │"), std::string::npos) << table;
}

TEST(Formats, AColumnMayBeCutAtItsStartOrNowhere) {
  std::string out;
  RowPrinter printer(RowFormat::kTable, {"path", "date"}, Wide(30), [&](std::string_view bytes) {
    out += bytes;
    return Status();
  });
  printer.CutColumns({RowPrinter::Cut::kStart, RowPrinter::Cut::kNowhere});
  EXPECT_TRUE(printer.Row({"/var/log/app/one.jsonl"sv, "2026-11-28T04"sv}).ok());
  EXPECT_TRUE(printer.Finish().ok());
  EXPECT_NE(out.find("│ …one.jsonl │ 2026-11-28T04 │\n"), std::string::npos) << out;
}

TEST(Formats, ATableThatCannotFitItsTerminalIsWrittenAsLines) {
  const auto printed = [](size_t columns) {
    std::string out;
    RowPrinter printer(RowFormat::kTable, {"a", "b", "c"}, Wide(columns),
                       [&](std::string_view bytes) {
                         out += bytes;
                         return Status();
                       });
    printer.PreferLinesToAWideTable();
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(printer.Row({"longer than six"sv, int64_t{1234567}, "two\nlines"sv}).ok());
    }
    EXPECT_TRUE(printer.Finish().ok());
    EXPECT_EQ(printer.rows(), 2U);
    return out;
  };
  const std::string row = "a = longer than six\nb = 1234567\nc = two\nlines\n";
  EXPECT_EQ(printed(27), row + "\n" + row);
  EXPECT_NE(printed(28).find("│ longe… │"), std::string::npos) << printed(28);
}

TEST(Formats, RowsAfterTheSampleAreCutToItsWidths) {
  std::vector<std::vector<Value>> rows(RowPrinter::kTableSample, {"short"sv});
  rows.push_back({"much longer than the rest"sv});
  const std::string table = Printed(RowFormat::kTable, {"t"}, rows);
  EXPECT_NE(table.find("│ much… │\n└───────┘\n"), std::string::npos);
}

TEST(Formats, Csv) {
  EXPECT_EQ(Printed(RowFormat::kCsv, {"id", "real", "te,xt"}, Mixed()),
            "id,real,\"te,xt\"\n"
            "1,2.5,plain\n"
            "-1234567,3.0,\"say \"\"hi\"\", you\nthere\"\n"
            ",Inf,\"\"\n"
            "7,1e+300,00ff\n");
}

TEST(Formats, Json) {
  EXPECT_EQ(Printed(RowFormat::kJson, {"id", "real", "text"}, Mixed()),
            "[\n"
            "{\"id\":1,\"real\":2.5,\"text\":\"plain\"},\n"
            "{\"id\":-1234567,\"real\":3.0,\"text\":\"say \\\"hi\\\", you\\nthere\"},\n"
            "{\"id\":null,\"real\":9e999,\"text\":\"\"},\n"
            "{\"id\":7,\"real\":1e+300,\"text\":\"00ff\"}\n"
            "]\n");
  EXPECT_EQ(Printed(RowFormat::kJson, {"a"}, {}), "[]\n");
}

TEST(Formats, NdjsonGivesColumnsOfOneNameTwoNames) {
  EXPECT_EQ(Printed(RowFormat::kNdjson, {"a", "a", "a"}, {{int64_t{1}, int64_t{2}, int64_t{3}}}),
            "{\"a\":1,\"a_2\":2,\"a_3\":3}\n");
}

TEST(Formats, LineKeepsNewlinesOfText) {
  EXPECT_EQ(Printed(RowFormat::kLine, {"id", "text"},
                    {{int64_t{1}, "a\nb"sv}, {std::monostate{}, "c"sv}}),
            "  id = 1\ntext = a\nb\n\n  id = NULL\ntext = c\n");
}

TEST(Formats, RawIsTheBytes) {
  EXPECT_EQ(Printed(RowFormat::kRaw, {"b"}, {{Blob{"\x00\x1b\xff"sv}}}), "\x00\x1b\xff\n"s);
}

TEST(Formats, AFailedWriteIsReported) {
  RowPrinter printer(RowFormat::kCsv, {"a"}, {},
                     [](std::string_view) { return Status::Io("full"); });
  const std::string large(100'000, 'x');
  EXPECT_EQ(printer.Row({std::string_view(large)}).code(), StatusCode::kIo);
}

TEST(JsonWriter, RepairsWhatIsNotUtf8) {
  JsonWriter out;
  // A cut-off character, an encoded surrogate, an overlong slash.
  out.String("a\xe2\x82 \xed\xa0\x80 \xc0\xaf \x01");
  EXPECT_EQ(out.text(), "\"a\uFFFD\uFFFD \uFFFD\uFFFD\uFFFD \uFFFD\uFFFD \\u0001\"");
}

TEST(Terminal, CutToWidthNeverSplitsACharacter) {
  EXPECT_EQ(CutToWidth("abcdef", 6), "abcdef");
  EXPECT_EQ(CutToWidth("abcdefg", 6), "abcde…");
  EXPECT_EQ(CutToWidth("日本語", 5), "日本…");
  EXPECT_EQ(CutToWidth("日本語", 4), "日…");
  EXPECT_EQ(CutToWidth("abc", 0), "");
}

TEST(RejectText, TheSpotIsMarkedUnderItsByte) {
  EXPECT_EQ(MarkedExcerpt("{\"a\":1,,}", 7, 40), "{\"a\":1,,}\n       ^");
  EXPECT_EQ(MarkedExcerpt("{\"a\":1,,}", std::nullopt, 40), "{\"a\":1,,}");
  // Wide and escaped characters before it take the columns that are shown.
  EXPECT_EQ(MarkedExcerpt("日\t}", 4, 40), "日\\t}\n    ^");
}

TEST(RejectText, ASpotFarInTheLineIsShownWithWhatIsAroundIt) {
  const std::string line = std::string(500, 'a') + "!" + std::string(500, 'b');
  const std::string excerpt = MarkedExcerpt(line, 500, 30);
  const size_t newline = excerpt.find('\n');
  ASSERT_NE(newline, std::string::npos);
  const size_t caret = excerpt.find('^') - newline - 1;
  // "…" is one column and three bytes.
  EXPECT_EQ(excerpt[caret + 2], '!') << excerpt;
  EXPECT_LE(DisplayWidth(excerpt.substr(0, newline)), 30u);
}

TEST(RejectText, APositionBeyondTheEndIsTheEnd) {
  EXPECT_EQ(MarkedExcerpt("{\"a\":", 99, 40), "{\"a\":\n     ^");
}

}  // namespace
}  // namespace sluice
