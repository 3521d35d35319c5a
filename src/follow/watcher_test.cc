// SPDX-License-Identifier: Apache-2.0
#include "follow/watcher.h"

#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "temporary_directory.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

bool Names(const std::set<Hint>& hints, Hint::Kind kind, const std::string& path) {
  return hints.contains({kind, path});
}

TEST(WatcherTest, HintsAtFilesThatAppearGrowMoveAndGo) {
  TemporaryDirectory folder;
  Watcher watcher({});
  watcher.Watch(folder.path());
  EXPECT_TRUE(watcher.Take().empty());

  folder.Write("a.jsonl", "");
  EXPECT_TRUE(Names(watcher.Take(), Hint::Kind::kName, folder / "a.jsonl"));
  folder.Append("a.jsonl", "{}\n");
  EXPECT_TRUE(Names(watcher.Take(), Hint::Kind::kGrown, folder / "a.jsonl"));
  std::filesystem::rename(folder / "a.jsonl", folder / "b.jsonl");
  const std::set<Hint> moved = watcher.Take();
  EXPECT_TRUE(Names(moved, Hint::Kind::kName, folder / "a.jsonl"));
  EXPECT_TRUE(Names(moved, Hint::Kind::kName, folder / "b.jsonl"));
  std::filesystem::remove(folder / "b.jsonl");
  EXPECT_TRUE(Names(watcher.Take(), Hint::Kind::kName, folder / "b.jsonl"));
  EXPECT_EQ(watcher.polled(), 0u);
}

TEST(WatcherTest, HintsAtDirectoriesThatAppearAndGo) {
  TemporaryDirectory folder;
  Watcher watcher({});
  watcher.Watch(folder.path());
  std::filesystem::create_directory(folder / "sub");
  EXPECT_TRUE(Names(watcher.Take(), Hint::Kind::kDirectory, folder / "sub"));

  watcher.Watch(folder / "sub");
  std::filesystem::remove(folder / "sub");
  EXPECT_TRUE(Names(watcher.Take(), Hint::Kind::kDirectory, folder / "sub"));
  EXPECT_FALSE(watcher.Watches(folder / "sub"));
}

TEST(WatcherTest, ADirectoryThatWasMadeAnewIsWatchedAnew) {
  TemporaryDirectory folder;
  Watcher watcher({});
  std::filesystem::create_directory(folder / "sub");
  watcher.Watch(folder / "sub");
  std::filesystem::remove(folder / "sub");
  std::filesystem::create_directory(folder / "sub");
  watcher.Watch(folder / "sub");
  watcher.Take();
  watcher.Watch(folder / "sub");
  folder.Write("sub/a.jsonl", "{}\n");
  EXPECT_TRUE(Names(watcher.Take(), Hint::Kind::kGrown, folder / "sub/a.jsonl"));
}

TEST(WatcherTest, PollingHintsAtTheWholeDirectoryWhenItIsDue) {
  TemporaryDirectory folder;
  Watcher watcher({.poll = true, .poll_interval = milliseconds(20)});
  watcher.Watch(folder.path());
  EXPECT_EQ(watcher.descriptor(), -1);
  EXPECT_EQ(watcher.polled(), 1u);
  std::this_thread::sleep_until(watcher.next_poll());
  EXPECT_TRUE(Names(watcher.Take(), Hint::Kind::kDirectory, folder.path()));
  EXPECT_TRUE(watcher.Take().empty());
}

TEST(WatcherTest, PollingIsRarerWhereARoundIsDear) {
  Watcher watcher({.poll = true, .poll_interval = milliseconds(20)});
  watcher.Watch("/tmp");
  watcher.TellCost(milliseconds(30));
  EXPECT_GT(watcher.next_poll(), Watcher::Clock::now() + milliseconds(2500));
}

TEST(WatcherTest, WhatIsBeyondTheLimitOfInotifyIsPolledAndSaidOnce) {
  TemporaryDirectory folder;
  Watcher watcher({.most_watches = 1});
  for (const char* name : {"a", "b", "c"}) {
    std::filesystem::create_directory(folder / name);
    watcher.Watch(folder / name);
  }
  EXPECT_EQ(watcher.watched(), 1u);
  EXPECT_EQ(watcher.polled(), 2u);
  EXPECT_EQ(watcher.TakeNotes().size(), 1u);
  EXPECT_TRUE(watcher.TakeNotes().empty());
}

TEST(WatcherTest, WhatIsNotThereYetIsPolled) {
  TemporaryDirectory folder;
  Watcher watcher({.poll_interval = milliseconds(1)});
  watcher.Watch(folder / "later");
  EXPECT_EQ(watcher.polled(), 1u);
  EXPECT_TRUE(watcher.TakeNotes().empty());

  std::filesystem::create_directory(folder / "later");
  watcher.Watch(folder / "later");
  EXPECT_EQ(watcher.polled(), 0u);
}

}  // namespace
}  // namespace sluice
