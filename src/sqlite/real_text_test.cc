// SPDX-License-Identifier: Apache-2.0
#include "sqlite/real_text.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sqlite/connection.h"

namespace sluice {
namespace {

TEST(RealText, IsThatOfSqlite) {
  Result<Connection> db = Connection::Open(":memory:", {.mode = OpenOptions::Mode::kCreate});
  ASSERT_TRUE(db);
  ASSERT_TRUE(db->Execute("CREATE TABLE t(text TEXT)").ok());
  Result<Statement> insert = db->Prepare("INSERT INTO t VALUES (?) RETURNING text");
  ASSERT_TRUE(insert);

  std::vector<double> values = {0.0,
                                -0.0,
                                1.0,
                                -1.5,
                                0.1 + 0.2,
                                1e15,
                                1e16,
                                1e17,
                                123e20,
                                1e300,
                                -1e-300,
                                5e-324,
                                1.0 / 3,
                                2.5e9,
                                1e-5,
                                123456.7890,
                                std::numeric_limits<double>::max()};
  std::mt19937_64 random(20260731);
  while (values.size() < 20'000) {
    const double value = std::bit_cast<double>(random());
    if (std::isfinite(value)) values.push_back(value);
    values.push_back(static_cast<double>(random() % 1'000'000) / 1000);
  }
  for (const double value : values) {
    char text[64];
    const size_t size = FormatReal(value, text);
    insert->BindReal(1, value);
    ASSERT_TRUE(*insert->Step());
    EXPECT_EQ(std::string(text, size), insert->Text(0));
    insert->Reset();
  }
}

}  // namespace
}  // namespace sluice
