// SPDX-License-Identifier: Apache-2.0
// Extraction against SQLite's own json_extract and json_valid, and its two paths against each
// other.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "extract/extractor.h"
#include "extract/strict.h"
#include "extract_check.h"
#include "json_generator.h"
#include "json_oracle.h"
#include "shared_data.h"

namespace sluice {
namespace {

TEST(ExtractDifferentialTest, RandomLines) {
  const uint64_t seed = std::random_device()();
  JsonGenerator generate(seed);
  JsonOracle oracle;
  const Table table = TableOfPointers(JsonGenerator::Pointers());
  for (int chunk = 0; chunk < 40; ++chunk) {
    std::vector<std::string> lines;
    // Every third chunk has damaged lines in it: what stands beside them must not suffer.
    while (lines.size() < 40) {
      std::string line = generate.Object();
      if (chunk % 3 == 0 && generate.Below(4) == 0) line = generate.Damage(line);
      lines.push_back(line);
    }
    ASSERT_EQ(FindDisagreement(table, lines, &oracle), "") << "seed " << seed;
  }
}

TEST(ExtractDifferentialTest, DamagedLines) {
  const uint64_t seed = std::random_device()();
  JsonGenerator generate(seed);
  JsonOracle oracle;
  const Table table = TableOfPointers({{"/a"}, {"/b/0"}, {"/a", "/b"}});
  for (int i = 0; i < 3000; ++i) {
    const std::string line =
        generate.Damage(generate.Below(2) ? generate.Object(2) : generate.Value(2));
    ASSERT_EQ(FindDisagreement(table, {line}, &oracle), "") << "seed " << seed;
  }
}

// Lines of a known shape beside lines that differ from it by a few bytes: mostly in a value, at
// times in a key, in the grammar, in nothing.
TEST(ExtractDifferentialTest, LinesOfAlmostTheSameShape) {
  const uint64_t seed = std::random_device()();
  JsonGenerator generate(seed);
  JsonOracle oracle;
  const Table table = TableOfPointers({{"/a"}, {"/b/0"}, {"/a", "/b"}, {"/b/a"}, {"/m~0n"}});
  for (int chunk = 0; chunk < 40; ++chunk) {
    const std::string line = generate.Object(3);
    std::vector<std::string> lines(3, line);
    while (lines.size() < 40) {
      std::string other = generate.Damage(line);
      // One that is broken for sure would keep the others from being read in one window.
      lines.push_back(chunk % 2 == 0 || Validate(other).valid ? other : line);
    }
    ASSERT_EQ(FindDisagreement(table, lines, &oracle), "") << "seed " << seed;
  }
}

TEST(ExtractDifferentialTest, EveryPrefixOfALine) {
  JsonOracle oracle;
  const Table table = TableOfPointers({{"/a"}, {"/c/1"}});
  const std::string line =
      R"( {"a" : "x\n\u00e9\ud83d\ude00é" , "b":[true,false,null,-1.5e+3,0,{}],"c":[[],"\\"]} )";
  for (size_t size = 0; size <= line.size(); ++size) {
    ASSERT_EQ(FindDisagreement(table, {line.substr(0, size)}, &oracle), "");
    ASSERT_EQ(FindDisagreement(table, {line, line.substr(0, size), line}, &oracle), "");
  }
}

TEST(ExtractDifferentialTest, SuiteOfVerdicts) {
  JsonOracle oracle;
  const Table table = TableOfPointers({{"/a"}, {""}});
  const std::vector<std::string> values = {"0",
                                           "-0",
                                           "01",
                                           "-01",
                                           "1.",
                                           ".5",
                                           "+1",
                                           "1e",
                                           "1e+",
                                           "1E5",
                                           "1.5e-3",
                                           "-",
                                           "--1",
                                           "1-",
                                           "0x10",
                                           "1_0",
                                           "1 2",
                                           "1e5.5",
                                           "1.2.3",
                                           "00",
                                           "-a",
                                           "Infinity",
                                           "-Infinity",
                                           "NaN",
                                           "tru",
                                           "true",
                                           "truex",
                                           "True",
                                           "fals",
                                           "falsey",
                                           "nul",
                                           "null",
                                           "nulll",
                                           "nullnull",
                                           "true false",
                                           "[]",
                                           "[,]",
                                           "[1,]",
                                           "[,1]",
                                           "[1 2]",
                                           "[1",
                                           "1]",
                                           "]",
                                           "[[]",
                                           "{}",
                                           "{,}",
                                           R"({"a"})",
                                           R"({"a":})",
                                           R"({"a":1,})",
                                           R"({,"a":1})",
                                           R"({"a" "b"})",
                                           R"({a:1})",
                                           R"({1:1})",
                                           R"({"a":1 "b":2})",
                                           R"({"a"::1})",
                                           R"({"a":1}})",
                                           R"({"a":[}])",
                                           R"([{"a":1])",
                                           R"({"a":1]})",
                                           "\"",
                                           "\"\"",
                                           R"("a)",
                                           R"("a" "b")",
                                           R"("a"b)",
                                           R"(b"a")",
                                           R"("\")",
                                           R"("\\")",
                                           R"("\\\")",
                                           R"("\a")",
                                           R"("\u")",
                                           R"("\u12")",
                                           R"("\u12G4")",
                                           R"("\u12345")",
                                           R"("\U0041")",
                                           R"("\x41")",
                                           R"("\')",
                                           R"('a')",
                                           "\"a\tb\"",
                                           "\"a\x01\"",
                                           "\"a\x1f\"",
                                           "\"a\x7f\"",
                                           "\"a\rb\"",
                                           std::string("\"a\0b\"", 5),
                                           std::string("1\0", 2),
                                           std::string("\0", 1),
                                           "\\",
                                           "\\\"",
                                           "1\\",
                                           "1\"a\"",
                                           "/* */1",
                                           "// x",
                                           "1 // x",
                                           "\xEF\xBB\xBF"
                                           "1",
                                           "\xC2\xA0"
                                           "1",
                                           "\xE2\x80\xA8"
                                           "1",
                                           "\"\xC0\x80\"",
                                           "\"\xED\xA0\x80\"",
                                           "\"\xF4\x90\x80\x80\"",
                                           "\"\xF0\x9F\x98\"",
                                           "\"\x80\"",
                                           "\"\xFF\"",
                                           "\xC3\xA9",
                                           "\v1",
                                           "\f1",
                                           " 1",
                                           "1 ",
                                           "\t1\r",
                                           "",
                                           " ",
                                           ",",
                                           ":",
                                           "1,2",
                                           "[1,[2,[3,[4]]]]",
                                           "\"\xE2\x80\xA8\"",
                                           "\"\xEF\xBF\xBF\""};
  for (const std::string& value : values) {
    for (const std::string& line :
         {value, "{\"a\":" + value + "}", "[" + value + "]", "[" + value + ",1]",
          "{\"x\":[" + value + "],\"a\":2}", "{\"k" + value + "\":1}", " " + value + " ",
          "{\"a\":\"" + value + "\"}"}) {
      EXPECT_EQ(FindDisagreement(table, {line}, &oracle), "");
      EXPECT_EQ(FindDisagreement(table, {R"({"a":1})", line, R"({"a":2})"}, &oracle), "");
    }
  }
}

TEST(ExtractDifferentialTest, NestingAroundTheLimit) {
  JsonOracle oracle;
  const Table table = TableOfPointers({{"/a"}, {"/a/0/0"}});
  for (size_t depth : {2u, 63u, 64u, 65u, 998u, 999u, 1000u, 1001u, 1064u, 5000u}) {
    std::string arrays = std::string(depth, '[') + std::string(depth, ']');
    std::string mixed = "1";
    for (size_t i = 0; i < depth; ++i) {
      mixed = i % 3 == 0 ? "{\"a\":" + mixed + "}" : "[" + mixed + "]";
    }
    EXPECT_EQ(FindDisagreement(table, {R"({"a":)" + arrays + "}"}, &oracle), "") << depth;
    EXPECT_EQ(FindDisagreement(table, {R"({"a":)" + mixed + "}"}, &oracle), "") << depth;
    EXPECT_EQ(FindDisagreement(table, {R"({"b":)" + mixed + "}"}, &oracle), "") << depth;
    EXPECT_EQ(FindDisagreement(table, {arrays}, &oracle), "") << depth;
  }
}

TEST(ExtractDifferentialTest, LinesBeyondAWindow) {
  JsonOracle oracle;
  const Table table = TableOfPointers({{"/a"}, {"/b"}});
  const auto line = [](size_t size) {
    return R"({"a":")" + std::string(size, 'x') + R"(","b": [1, "\n"] })";
  };
  // Around the size of a window, and one that only the strict path takes.
  std::vector<std::string> lines;
  for (size_t size : {65000u, 65536u, 10u, 65500u, 1u, 200000u}) lines.push_back(line(size));
  EXPECT_EQ(FindDisagreement(table, lines, &oracle), "");

  const std::string huge = line(size_t{5} << 20);
  Extractor extractor(table);
  RowBatch batch;
  batch.table = &table;
  const std::string chunk = huge + "\n" + line(3) + std::string(Buffer::kPadding, '\n');
  batch.lines = {{{chunk.data(), huge.size()}, 1, 0},
                 {{chunk.data() + huge.size() + 1, line(3).size()}, 2, 0}};
  extractor.Extract({}, &batch);
  ASSERT_EQ(batch.rows(), 2u);
  EXPECT_EQ(batch.row(0)[0].size, size_t{5} << 20);
  EXPECT_EQ(batch.row(0)[1].text(), R"([1,"\n"])");
  EXPECT_EQ(batch.row(1)[0].text(), "xxx");
}

std::vector<std::string> LinesOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.find_first_not_of(" \t\r") != line.npos) lines.push_back(line);
  }
  return lines;
}

// The top-level keys of the lines as pointers, and those below some of them.
std::vector<std::vector<std::string>> PointersInto(const std::vector<std::string>& lines) {
  Table table;
  table.name = "t";
  table.columns.emplace_back().origin = Origin::kExtra;
  std::vector<std::vector<std::string>> pointers;
  RowBatch batch;
  batch.table = &table;
  std::string chunk;
  for (const std::string& line : lines) chunk += line + "\n";
  chunk += std::string(Buffer::kPadding, '\n');
  const char* at = chunk.data();
  for (const std::string& line : lines) {
    batch.lines.push_back({{at, line.size()}, 0, 0});
    at += line.size() + 1;
  }
  Extractor(table).Extract({}, &batch);
  for (const std::string& key : batch.unknown_keys) {
    if (pointers.size() == 24) break;
    std::string part;
    for (char c : key) part += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    pointers.push_back({"/" + part});
    for (const char* below : {"/type", "/content", "/0", "/arguments"}) {
      if (pointers.size() < 12) pointers.push_back({"/" + part + below});
    }
  }
  for (const char* first : {"/message/content/0", "/payload/arguments"})
    pointers.push_back({first});
  pointers.push_back({"/payload/arguments", "/command"});
  pointers.push_back({"/message", "/usage/input_tokens"});
  return pointers;
}

TEST(ExtractDifferentialTest, SharedData) {
  if (SharedData().empty()) GTEST_SKIP() << kNoSharedData;
  JsonOracle oracle;
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(SharedData())) {
    const std::string extension = entry.path().extension().string();
    if (!extension.ends_with("l") && !extension.ends_with("json") && extension != ".sse") continue;
    const std::vector<std::string> lines = LinesOf(entry.path());
    if (lines.empty()) continue;
    ++files;
    const Table table = TableOfPointers(PointersInto(lines));
    // In chunks of some lines: every one is a window or a few.
    for (size_t begin = 0; begin < lines.size(); begin += 100) {
      const size_t end = std::min(begin + 100, lines.size());
      const std::vector<std::string> chunk(lines.begin() + static_cast<ptrdiff_t>(begin),
                                           lines.begin() + static_cast<ptrdiff_t>(end));
      const std::string disagreement = FindDisagreement(table, chunk, &oracle);
      ASSERT_EQ(disagreement.substr(0, 2000), "") << entry.path();
    }
  }
  EXPECT_GT(files, 50u);
}

}  // namespace
}  // namespace sluice
