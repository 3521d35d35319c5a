// SPDX-License-Identifier: Apache-2.0
#include "extract/other_forms.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice {
namespace {

using Lines = std::vector<std::string_view>;

TEST(OtherForms, OnlyWhatHasJsonsOwnWordsLooksLikeJson) {
  for (const char* json : {"{\n\"a\": 1,\n\"b\": [true, false, null, -1.5e+3]\n}\n", "{} {}",
                           "[\n[], {}\n]", "{\"a\": tr", "{\"a\":\"\\\"}", "{\n\"a\":\"cut"}) {
    EXPECT_TRUE(LooksLikeJson(json)) << json;
  }
  for (const char* other : {"{'a': 1}", "{\"a\": True}", "{\"a\": None}", "{a: 1}", "words",
                            "{\"a\":\"cut\n}", "}", "{\"a\": trues}", "1"}) {
    EXPECT_FALSE(LooksLikeJson(other)) << other;
  }
}

TEST(OtherForms, TheOnlyArrayOfObjectsInADocument) {
  EXPECT_EQ(OnlyArrayIn("{\"Records\":[{\"a\":[{\"b\":1}]},{\"a\":2}]}"), ".Records[]");
  EXPECT_EQ(OnlyArrayIn("{\"v\":[1,2],\n \"Records\": [ {\"a\":"), ".Records[]");
  EXPECT_EQ(OnlyArrayIn("{\"data\":{\"the items\":[{}]}}"), ".data.\"the items\"[]");
  EXPECT_EQ(OnlyArrayIn("{\"items\":[{}]}\n{\"items\":[{},{}]}"), ".items[]");
  EXPECT_EQ(OnlyArrayIn("{\"a\":[{}],\"b\":[{}]}"), "");
  EXPECT_EQ(OnlyArrayIn("{\"a\":[[{}]]}"), "");
  EXPECT_EQ(OnlyArrayIn("[{\"a\":[{}]}]"), "");
  EXPECT_EQ(OnlyArrayIn("{\"a\":\"[{\"}"), "");
  EXPECT_EQ(OnlyArrayIn("]}{"), "");
  EXPECT_EQ(OnlyArrayIn(""), "");
}

TEST(OtherForms, Delimiters) {
  EXPECT_EQ(DelimiterOf(Lines{"a,b", "1,2"}), ',');
  EXPECT_EQ(DelimiterOf(Lines{"a,b"}), ',');
  EXPECT_EQ(DelimiterOf(Lines{"a,b", "\"1,000\",2"}), ',');
  EXPECT_EQ(DelimiterOf(Lines{"a;b;c", "1,5;2;3", "1;2;3"}), ';');
  EXPECT_EQ(DelimiterOf(Lines{"a\tb", "1\t2"}), '\t');
  EXPECT_EQ(DelimiterOf(Lines{"Ready, steady"}), 0);
  EXPECT_EQ(DelimiterOf(Lines{"Ready, steady", "go"}), 0);
  EXPECT_EQ(DelimiterOf(Lines{}), 0);
}

TEST(OtherForms, SingleQuotes) {
  EXPECT_TRUE(HasSingleQuotes(Lines{"{'a': 1}", "{'a': \"it's\"}"}));
  EXPECT_FALSE(HasSingleQuotes(Lines{"{\"a\": 'b'}"}));
  EXPECT_FALSE(HasSingleQuotes(Lines{"it's", "'quoted': words"}));
  EXPECT_FALSE(HasSingleQuotes(Lines{}));
}

}  // namespace
}  // namespace sluice
