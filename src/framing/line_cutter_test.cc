// SPDX-License-Identifier: Apache-2.0
#include "framing/line_cutter.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {

// For the matchers, and for messages.
bool operator==(const Line& one, const Line& other) {
  return one.text == other.text && one.number == other.number &&
         one.byte_offset == other.byte_offset;
}
void PrintTo(const Line& line, std::ostream* out) {
  *out << line.number << "@" << line.byte_offset << " '" << line.text << "'";
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kMark[] = "\xEF\xBB\xBF";

struct Cut {
  std::vector<Line> lines;
  CutResult result;
};

Cut CutAll(const Frame& frame) {
  Cut cut;
  cut.result = CutLines(frame, &cut.lines);
  return cut;
}

TEST(LineCutterTest, CutsAtNewlines) {
  const Cut cut = CutAll({.data = "one\ntwo\nthree\n"});
  EXPECT_THAT(cut.lines, ElementsAre(Line{"one", 1, 0}, Line{"two", 2, 4}, Line{"three", 3, 8}));
  EXPECT_EQ(cut.result.lines, 3u);
  EXPECT_EQ(cut.result.blank, 0u);
  EXPECT_EQ(cut.result.unterminated, (Line{"", 4, 14}));
}

TEST(LineCutterTest, LeavesTheLastPieceToTheCaller) {
  const Cut cut = CutAll({.data = "one\ntw", .offset = 100, .first_line = 7});
  EXPECT_THAT(cut.lines, ElementsAre(Line{"one", 7, 100}));
  EXPECT_EQ(cut.result.lines, 1u);
  EXPECT_EQ(cut.result.unterminated, (Line{"tw", 8, 104}));
}

TEST(LineCutterTest, NothingGivesNothing) {
  const Cut cut = CutAll({.data = ""});
  EXPECT_THAT(cut.lines, IsEmpty());
  EXPECT_EQ(cut.result.lines, 0u);
  EXPECT_EQ(cut.result.unterminated, (Line{"", 1, 0}));
}

TEST(LineCutterTest, TakesOneCarriageReturnOff) {
  const Cut cut = CutAll({.data = "a\r\nb\r\r\n\rc\nd\r"});
  EXPECT_THAT(cut.lines, ElementsAre(Line{"a", 1, 0}, Line{"b\r", 2, 3}, Line{"\rc", 3, 7}));
  EXPECT_EQ(cut.result.unterminated.text, "d\r") << "its newline may still come";
}

TEST(LineCutterTest, CountsBlankLinesAndTheirNumbers) {
  const Cut cut = CutAll({.data = "\n \t\n\r\na\n\n"});
  EXPECT_THAT(cut.lines, ElementsAre(Line{"a", 4, 6}));
  EXPECT_EQ(cut.result.lines, 5u);
  EXPECT_EQ(cut.result.blank, 4u);
}

TEST(LineCutterTest, AFormFeedIsNoBlank) { EXPECT_EQ(CutAll({.data = "\f\n"}).result.blank, 0u); }

TEST(LineCutterTest, TakesAByteOrderMarkOffTheSourceOnly) {
  const std::string twice = std::string(kMark) + "a\n" + kMark + "b\n";
  const Cut start = CutAll({.data = twice});
  EXPECT_THAT(start.lines,
              ElementsAre(Line{"a", 1, 0}, Line{std::string_view(twice).substr(5, 4), 2, 5}));
  const Cut later = CutAll({.data = std::string_view(twice).substr(5), .offset = 5});
  EXPECT_EQ(later.lines[0].text.size(), 4u);
}

TEST(LineCutterTest, AByteOrderMarkAloneIsABlankLine) {
  const std::string line = std::string(kMark) + "\n";
  EXPECT_EQ(CutAll({.data = line}).result.blank, 1u);
  EXPECT_EQ(CutAll({.data = kMark}).result.unterminated.text, "");
}

TEST(LineCutterTest, KeepsNulBytes) {
  using namespace std::string_view_literals;
  EXPECT_THAT(CutAll({.data = "a\0b\n"sv}).lines, ElementsAre(Line{"a\0b"sv, 1, 0}));
}

TEST(LineCutterTest, PutsLongLinesAside) {
  const Cut cut = CutAll({.data = "abc\nabcd\r\nabcd\nabcde\nx\n", .max_line = 4});
  EXPECT_THAT(cut.lines, ElementsAre(Line{"abc", 1, 0}, Line{"abcd", 2, 4}, Line{"abcd", 3, 10},
                                     Line{"x", 5, 21}));
  EXPECT_THAT(cut.result.too_long, ElementsAre(Line{"abcde", 4, 15}));
  EXPECT_EQ(cut.result.lines, 5u);
}

TEST(LineCutterTest, TheNewlineOfATakenTailIsNoLine) {
  for (const char* data : {"\nb\n", "\r\nb\n"}) {
    const Cut cut = CutAll({.data = data, .offset = 10, .first_line = 3, .after_tail = true});
    EXPECT_TRUE(IsBlank(cut.result.rest_of_tail.text));
    EXPECT_EQ(cut.lines.size(), 1u);
    EXPECT_EQ(cut.lines[0].number, 4u);
    EXPECT_EQ(cut.result.lines, 1u);
    EXPECT_EQ(cut.result.blank, 0u);
  }
}

TEST(LineCutterTest, WhatFollowsATakenTailIsHandedOutApart) {
  const Cut cut = CutAll({.data = "xyz\r\nb\n", .offset = 10, .first_line = 3, .after_tail = true});
  EXPECT_EQ(cut.result.rest_of_tail, (Line{"xyz", 3, 10}));
  EXPECT_THAT(cut.lines, ElementsAre(Line{"b", 4, 15}));
}

TEST(LineCutterTest, ATakenTailWhoseNewlineStillDoesNotCome) {
  const Cut nothing = CutAll({.data = "", .offset = 10, .first_line = 3, .after_tail = true});
  EXPECT_EQ(nothing.result.rest_of_tail, (Line{"", 3, 10}));
  const Cut more = CutAll({.data = "xy", .offset = 10, .first_line = 3, .after_tail = true});
  EXPECT_EQ(more.result.rest_of_tail, (Line{"xy", 3, 10}));
  EXPECT_EQ(more.result.unterminated.text, "");
  EXPECT_EQ(more.result.lines, 0u);
}

// Cut in two anywhere behind a newline, the same lines come out with the same numbers and places.
TEST(LineCutterTest, ChunksDoNotMatter) {
  const std::string text =
      std::string(kMark) + "a\r\n\n{\"b\":1}\n  \r\n\nlonger than the others\nc";
  const Cut whole = CutAll({.data = text});
  uint64_t line = 1;
  for (size_t cut_at = 1; cut_at <= text.size(); ++cut_at) {
    if (text[cut_at - 1] != '\n') continue;
    ++line;
    const std::string_view data(text);
    std::vector<Line> lines;
    const CutResult first = CutLines({.data = data.substr(0, cut_at)}, &lines);
    const CutResult second =
        CutLines({.data = data.substr(cut_at), .offset = cut_at, .first_line = line}, &lines);
    EXPECT_EQ(lines, whole.lines) << cut_at;
    EXPECT_EQ(first.lines + second.lines, whole.result.lines);
    EXPECT_EQ(first.blank + second.blank, whole.result.blank);
    EXPECT_EQ(second.unterminated, whole.result.unterminated);
  }
}

}  // namespace
}  // namespace sluice
