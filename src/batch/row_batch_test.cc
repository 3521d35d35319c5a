// SPDX-License-Identifier: Apache-2.0
#include "batch/row_batch.h"

#include <cstring>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(ArenaTest, AddressesStayWhileItGrows) {
  Arena arena;
  std::vector<std::string_view> copies;
  for (size_t i = 0; i < 20000; ++i)
    copies.push_back(arena.Copy("text " + std::to_string(i) + std::string(40, 'x')));
  for (size_t i = 0; i < 20000; ++i)
    ASSERT_EQ(copies[i], "text " + std::to_string(i) + std::string(40, 'x'));
}

TEST(ArenaTest, WhatIsGivenBackIsUsedAgain) {
  Arena arena;
  char* first = arena.Allocate(100);
  arena.GiveBack(60);
  EXPECT_EQ(arena.bytes_used(), 40u);
  EXPECT_EQ(arena.Allocate(10), first + 40);
}

TEST(ArenaTest, ClearKeepsBlocksButNotThoseOfAHugeLine) {
  Arena arena;
  arena.Allocate(1000);
  const size_t one_block = arena.bytes_held();
  arena.Allocate(size_t{32} << 20);
  EXPECT_GT(arena.bytes_held(), size_t{32} << 20);
  arena.Clear();
  EXPECT_EQ(arena.bytes_used(), 0u);
  EXPECT_EQ(arena.bytes_held(), one_block);
}

TEST(ArenaTest, BytesBehindAnAllocationMayBeRead) {
  Arena arena;
  const size_t size = (size_t{256} << 10);
  const char* bytes = arena.Allocate(size);
  char behind[Buffer::kPadding];
  std::memcpy(behind, bytes + size,
              sizeof behind);  // under ASan this fails where the padding is missing
  SUCCEED();
}

TEST(RowBatchTest, ClearGivesTheChunkBackAndEmptiesTheRest) {
  BufferPool pool(1, 64);
  Table table;
  table.columns.resize(2);
  RowBatch batch;
  batch.table = &table;
  batch.chunk = pool.Acquire();
  batch.lines.resize(3);
  batch.cells.resize(2);
  batch.row_lines = {1};
  batch.rejects.resize(1);
  batch.unknown_keys = {"k"};
  batch.strings_kept_out = 1;
  batch.decoded_bytes = 9;
  EXPECT_EQ(batch.rows(), 1u);
  EXPECT_EQ(batch.row(0).size(), 2u);

  batch.Clear();
  EXPECT_TRUE(pool.TryAcquire());
  EXPECT_EQ(batch.rows(), 0u);
  EXPECT_TRUE(batch.lines.empty() && batch.cells.empty() && batch.rejects.empty() &&
              batch.unknown_keys.empty());
  EXPECT_EQ(batch.strings_kept_out + batch.decoded_bytes, 0u);
  EXPECT_EQ(batch.table, nullptr);
}

TEST(RejectReasonTest, EachHasItsOwnWords) {
  std::set<std::string_view> words;
  for (RejectReason reason :
       {RejectReason::kInvalidJson, RejectReason::kInvalidUtf8, RejectReason::kNotAnObject,
        RejectReason::kTooDeep, RejectReason::kTooLong, RejectReason::kAfterTail,
        RejectReason::kConstraint}) {
    words.insert(Describe(reason));
  }
  EXPECT_EQ(words.size(), 7u);
  EXPECT_EQ(words.count("unknown reason"), 0u);
}

}  // namespace
}  // namespace sluice
