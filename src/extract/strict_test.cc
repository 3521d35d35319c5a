// SPDX-License-Identifier: Apache-2.0
#include "extract/strict.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice {
namespace {

std::string Describe(std::string_view text) {
  const Verdict verdict = Validate(text);
  if (verdict.valid) return "valid";
  return std::string(Describe(verdict.reason)) + " at " + std::to_string(verdict.position) + ": " +
         verdict.detail;
}

TEST(StrictTest, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(Describe(R"({"a":1})"), "valid");
  EXPECT_EQ(Describe(R"({"a":1)"), "invalid JSON at 6: the line ends too soon");
  EXPECT_EQ(Describe(R"({"a" 1})"), "invalid JSON at 5: expected ':'");
  EXPECT_EQ(Describe(R"({"a":1 "b":2})"), "invalid JSON at 7: expected ',' or '}'");
  EXPECT_EQ(Describe(R"({"a":1,})"), "invalid JSON at 7: expected a key in double quotes");
  EXPECT_EQ(Describe(R"({'a':1})"), "invalid JSON at 1: expected a key in double quotes");
  EXPECT_EQ(Describe(R"({"a":'b'})"),
            "invalid JSON at 5: single quotes: a string stands in double quotes");
  EXPECT_EQ(Describe(R"({"a":NaN})"), "invalid JSON at 5: NaN is no JSON");
  EXPECT_EQ(Describe(R"({"a":-Infinity})"), "invalid JSON at 5: Infinity is no JSON");
  EXPECT_EQ(Describe(R"({"a":-1,"b":True})"),
            "invalid JSON at 12: None, True and False are Python's, not JSON's");
  EXPECT_EQ(Describe(R"([1 2])"), "invalid JSON at 3: expected ',' or ']'");
  EXPECT_EQ(Describe(R"({"a":1}x)"), "invalid JSON at 7: more after the end of the JSON text");
  EXPECT_EQ(Describe(R"({"a":01})"), "invalid JSON at 6: a number with a leading zero");
  EXPECT_EQ(Describe(R"({"a":1.})"), "invalid JSON at 7: expected a digit");
  EXPECT_EQ(Describe(R"({"a":nul})"), "invalid JSON at 8: expected a value");
  EXPECT_EQ(Describe(R"("\x")"), "invalid JSON at 2: an unknown escape in a string");
  EXPECT_EQ(Describe(R"("\u12g4")"), "invalid JSON at 5: expected four hex digits after \\u");
  EXPECT_EQ(Describe("\"a\tb\""), "invalid JSON at 2: a control character in a string");
  EXPECT_EQ(Describe("\"a\xff\""), "invalid UTF-8 at 2: ");
  EXPECT_EQ(Describe("\xff\xfe{"), "invalid UTF-8 at 0: ");
  EXPECT_EQ(Describe(""), "invalid JSON at 0: the line ends too soon");
  EXPECT_EQ(Describe(std::string(1001, '[') + std::string(1001, ']')),
            "nested too deep at 1000: more than 1,000 levels");
  EXPECT_EQ(Describe(std::string(1000, '[') + std::string(1000, ']')), "valid");
}

TEST(StrictTest, AcceptsUnpairedSurrogateEscapes) {
  for (const char* text :
       {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\ud83d\ud83d")", R"("\uD83D\uDE00")"}) {
    EXPECT_EQ(Describe(text), "valid") << text;
  }
}

TEST(StrictTest, Utf8ByRfc3629) {
  const auto in_string = [](std::string_view bytes) {
    return Validate("\"" + std::string(bytes) + "\"").valid;
  };
  for (const char* good : {"\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(in_string(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE2\x82",
        "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF0\x9F\x98", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_FALSE(in_string(bad)) << bad;
  }
}

}  // namespace
}  // namespace sluice
