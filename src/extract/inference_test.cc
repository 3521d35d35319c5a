// SPDX-License-Identifier: Apache-2.0
#include "extract/inference.h"

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

TEST(Inference, ColumnsAreTheKeysInOrder) {
  const Table table = Inferred("{\"b\":1}\n{\"a\":\"x\",\"b\":2}\n");
  ASSERT_EQ(table.columns.size(), 5u);
  EXPECT_EQ(table.columns[0].name, "b");
  EXPECT_EQ(table.columns[0].declared_type, "INTEGER");
  EXPECT_EQ(table.columns[1].name, "a");
  EXPECT_EQ(table.columns[1].declared_type, "TEXT");
}

}  // namespace
}  // namespace sluice
