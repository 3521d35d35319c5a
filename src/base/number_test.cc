// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"

#include <cstdio>
#include <cstring>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "json_oracle.h"

namespace sluice {
namespace {

class NumberTest : public testing::Test {
 protected:
  void Check(const std::string& number) {
    ASSERT_EQ(ToString(NumberCell(number)), ToString(oracle_.Number(number))) << number;
  }
  JsonOracle oracle_;
};

TEST_F(NumberTest, IntegersStayIntegersUpTo64Bits) {
  EXPECT_EQ(ToString(NumberCell("9223372036854775807")), "integer 9223372036854775807");
  EXPECT_EQ(ToString(NumberCell("-9223372036854775808")), "integer -9223372036854775808");
  EXPECT_EQ(ToString(NumberCell("9223372036854775808")), "real 0x1p+63");
  EXPECT_EQ(ToString(NumberCell("-0")), "integer 0");
  EXPECT_EQ(ToString(NumberCell("-0.0")), "real -0x0p+0");
  EXPECT_EQ(ToString(NumberCell("1e400")), "real inf");
  EXPECT_EQ(ToString(NumberCell("-1e400")), "real -inf");
  EXPECT_EQ(ToString(NumberCell("1e-400")), "real 0x0p+0");
}

TEST_F(NumberTest, HandmadeOnesEqualSqlites) {
  for (const char* number : {"0",
                             "-0",
                             "1",
                             "-1",
                             "0.0",
                             "-0.0",
                             "0e5",
                             "-0e5",
                             "0.1",
                             "1e0",
                             "1E+2",
                             "1e-2",
                             "1.5e3",
                             "9223372036854775807",
                             "9223372036854775808",
                             "-9223372036854775808",
                             "-9223372036854775809",
                             "18446744073709551615",
                             "18446744073709551616",
                             "99999999999999999999999999",
                             "1e400",
                             "-1e400",
                             "1e-400",
                             "1e308",
                             "1.7976931348623157e308",
                             "1.7976931348623158e308",
                             "1.7976931348623159e308",
                             "1.8e308",
                             "1e309",
                             "2.2250738585072014e-308",
                             "2.2250738585072011e-308",
                             "4.9406564584124654e-324",
                             "4.9e-324",
                             "2.5e-324",
                             "2.4703282292062327e-324",
                             "2.4703282292062328e-324",
                             "1e-323",
                             "1e-324",
                             "3500000000000000.2500001",
                             "9007199254740993",
                             "9007199254740993.0",
                             "9007199254740992.5",
                             "9007199254740993e0",
                             "0.500000000000000166533453693773481063544750213623046875",
                             "1e99999",
                             "1e100000",
                             "1e-100000",
                             "1e999999999999999999999",
                             "1e-999999999999999999999",
                             "123456789012345678901234567890e-20",
                             "1e347",
                             "1e348",
                             "0.000000000000000000000000000000000000000000001e347",
                             "1e-348",
                             "1e-349",
                             "12345678901234567890e-348"}) {
    Check(number);
  }
  Check("0." + std::string(20000, '0') + "1e20000");
  Check("1" + std::string(400, '0') + "e-390");
  Check("0." + std::string(340, '0') + "123456789e300");
}

TEST_F(NumberTest, RandomOnesEqualSqlites) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&random](uint64_t limit) { return random() % limit; };
  for (int i = 0; i < 300000; ++i) {
    char text[96];
    double bits;
    switch (below(4)) {
      case 0: {  // the shortest or the longest text of a random double
        uint64_t word = random();
        std::memcpy(&bits, &word, sizeof bits);
        if (bits != bits || bits - bits != 0) continue;
        std::snprintf(text, sizeof text, "%.*e", static_cast<int>(below(20)), bits);
        break;
      }
      case 1:  // what people write
        std::snprintf(text, sizeof text, "%d.%0*d", static_cast<int>(below(100000)),
                      static_cast<int>(1 + below(9)), static_cast<int>(below(10)));
        break;
      case 2:  // all 64 bits of digits, any exponent
        std::snprintf(text, sizeof text, "%llue%d",
                      static_cast<unsigned long long>(random() >> below(64)),
                      static_cast<int>(below(720)) - 360);
        break;
      default:  // more digits than count
        std::snprintf(text, sizeof text, "%llu%llu.%llue%d",
                      static_cast<unsigned long long>(1 + random() / 2),
                      static_cast<unsigned long long>(random() >> below(64)),
                      static_cast<unsigned long long>(random() >> below(64)),
                      static_cast<int>(below(700)) - 370);
    }
    Check(text);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace sluice
