// SPDX-License-Identifier: Apache-2.0
#include "base/buffer.h"

#include <cstring>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(BufferTest, GrowKeepsWhatIsAskedFor) {
  Buffer buffer(4);
  std::memcpy(buffer.data(), "abcd", 4);
  buffer.Grow(1000, 3);
  EXPECT_EQ(buffer.capacity(), 1000u);
  EXPECT_EQ(std::string(buffer.data(), 3), "abc");
}

TEST(BufferPoolTest, NeverHandsOutMoreThanItsCount) {
  BufferPool pool(2, 16);
  BufferPool::Lease first = pool.Acquire();
  BufferPool::Lease second = pool.Acquire();
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(pool.TryAcquire());
  first.Release();
  EXPECT_TRUE(pool.TryAcquire());
}

TEST(BufferPoolTest, WhoWaitsGetsTheBufferThatIsReturned) {
  BufferPool pool(1, 16);
  BufferPool::Lease held = pool.Acquire();
  Buffer* expected = &*held;
  Buffer* got = nullptr;
  std::thread waiter([&] { got = &*pool.Acquire(); });
  held.Release();
  waiter.join();
  EXPECT_EQ(got, expected);
}

TEST(BufferPoolTest, CloseWakesWhoWaits) {
  BufferPool pool(1, 16);
  BufferPool::Lease held = pool.Acquire();
  std::thread waiter([&] { EXPECT_FALSE(pool.Acquire()); });
  pool.Close();
  waiter.join();
}

TEST(BufferPoolTest, AGrownBufferComesBackAtItsOwnSize) {
  BufferPool pool(1, 16);
  pool.Acquire()->Grow(1 << 20, 0);
  EXPECT_EQ(pool.Acquire()->capacity(), 16u);
}

TEST(BufferPoolTest, OneBufferAtATimeGrowsBeyondThePool) {
  BufferPool pool(2, 16);
  BufferPool::Lease first = pool.Acquire();
  BufferPool::Lease second = pool.Acquire();
  EXPECT_TRUE(first.Grow(1 << 20, 0));
  EXPECT_TRUE(first.Grow(1 << 21, 0));
  bool grown = false;
  std::thread waiter([&] { grown = second.Grow(1 << 20, 0); });
  first.Release();
  waiter.join();
  EXPECT_TRUE(grown);
}

TEST(BufferPoolTest, SeveralBuffersGrowWithinThePool) {
  BufferPool pool(3, 16);
  BufferPool::Lease first = pool.Acquire();
  BufferPool::Lease second = pool.Acquire();
  EXPECT_TRUE(first.Grow(40, 0));
  EXPECT_TRUE(second.Grow(40, 0));
}

TEST(BufferPoolTest, CloseWakesWhoWaitsToGrow) {
  BufferPool pool(2, 16);
  BufferPool::Lease first = pool.Acquire();
  BufferPool::Lease second = pool.Acquire();
  EXPECT_TRUE(first.Grow(1 << 20, 0));
  std::thread waiter([&] { EXPECT_FALSE(second.Grow(1 << 20, 0)); });
  pool.Close();
  waiter.join();
}

}  // namespace
}  // namespace sluice
