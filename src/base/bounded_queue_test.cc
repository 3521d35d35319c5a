// SPDX-License-Identifier: Apache-2.0
#include "base/bounded_queue.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sluice {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

TEST(BoundedQueueTest, KeepsTheOrder) {
  BoundedQueue<int> queue(3, 1000);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue.Push(i));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(queue.Pop(), i);
  EXPECT_EQ(queue.TryPop(), std::nullopt);
}

TEST(BoundedQueueTest, IsBoundedByCount) {
  BoundedQueue<int> queue(2, 1000);
  int item = 7;
  EXPECT_TRUE(queue.TryPush(item) && queue.TryPush(item));
  EXPECT_FALSE(queue.TryPush(item));
  queue.Pop();
  EXPECT_TRUE(queue.TryPush(item));
}

TEST(BoundedQueueTest, IsBoundedByBytes) {
  BoundedQueue<int> queue(100, 10);
  int item = 7;
  EXPECT_TRUE(queue.TryPush(item, 6));
  EXPECT_FALSE(queue.TryPush(item, 5));
  EXPECT_TRUE(queue.TryPush(item, 4));
  EXPECT_EQ(queue.bytes(), 10u);
  EXPECT_FALSE(queue.TryPush(item, 1));
  queue.Pop();
  EXPECT_EQ(queue.bytes(), 4u);
}

TEST(BoundedQueueTest, LetsAnItemThatIsTooLargeInWhenItIsEmpty) {
  BoundedQueue<int> queue(100, 10);
  int item = 7;
  EXPECT_TRUE(queue.TryPush(item, 1'000));
  EXPECT_FALSE(queue.TryPush(item, 1));
  EXPECT_EQ(queue.Pop(), 7);
  EXPECT_TRUE(queue.TryPush(item, 1));
  EXPECT_FALSE(queue.TryPush(item, SIZE_MAX));
}

TEST(BoundedQueueTest, AnItemThatFoundNoRoomStaysWithItsCaller) {
  BoundedQueue<std::unique_ptr<int>> queue(1, 1000);
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);
  EXPECT_TRUE(queue.TryPush(first));
  EXPECT_FALSE(queue.TryPush(second));
  EXPECT_EQ(*second, 2);
}

TEST(BoundedQueueTest, CloseLetsWhatIsThereBeTaken) {
  BoundedQueue<int> queue(2, 1000);
  queue.Push(1);
  queue.Close();
  EXPECT_FALSE(queue.Push(2));
  EXPECT_EQ(queue.Pop(), 1);
  EXPECT_EQ(queue.Pop(), std::nullopt);
}

TEST(BoundedQueueTest, StopDropsWhatIsThere) {
  auto watched = std::make_shared<int>(1);
  BoundedQueue<std::shared_ptr<int>> queue(2, 1000);
  queue.Push(watched, 5);
  queue.Stop();
  EXPECT_EQ(watched.use_count(), 1);
  EXPECT_EQ(queue.bytes(), 0u);
  EXPECT_EQ(queue.Pop(), std::nullopt);
  EXPECT_FALSE(queue.Push(watched));
}

TEST(BoundedQueueTest, StopWakesBothEnds) {
  BoundedQueue<int> full(1, 1000);
  full.Push(1);
  std::thread producer([&] { EXPECT_FALSE(full.Push(2)); });
  BoundedQueue<int> empty(1, 1000);
  std::thread consumer([&] { EXPECT_EQ(empty.Pop(), std::nullopt); });
  full.Stop();
  empty.Stop();
  producer.join();
  consumer.join();
}

TEST(BoundedQueueTest, PopUntilGivesUp) {
  BoundedQueue<int> queue(1, 1000);
  EXPECT_EQ(queue.PopUntil(steady_clock::now() + milliseconds(1)), std::nullopt);
  queue.Push(1);
  EXPECT_EQ(queue.PopUntil(steady_clock::now()), 1);
}

TEST(BoundedQueueTest, ManyThreadsLoseNothingAndNeverExceedTheBound) {
  constexpr int kProducers = 3;
  constexpr int kItems = 2'000;
  BoundedQueue<int> queue(4, 64);
  std::atomic<int64_t> sum{0};

  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&] {
      // Of all sizes, so that the bound by bytes holds some back while smaller ones would fit.
      for (int i = 1; i <= kItems; ++i) queue.Push(i, static_cast<size_t>(i % 40));
    });
  }
  std::vector<std::thread> consumers;
  for (int c = 0; c < 3; ++c) {
    consumers.emplace_back([&] {
      while (std::optional<int> item = queue.Pop()) {
        sum += *item;
        EXPECT_LE(queue.bytes(), 64u);
        EXPECT_LE(queue.size(), 4u);
      }
    });
  }
  for (std::thread& thread : producers) thread.join();
  queue.Close();
  for (std::thread& thread : consumers) thread.join();
  EXPECT_EQ(sum, int64_t{kProducers} * kItems * (kItems + 1) / 2);
}

}  // namespace
}  // namespace sluice
