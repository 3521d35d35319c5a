// SPDX-License-Identifier: Apache-2.0
// Collectors, runs and the merge together: what comes out is what a stable sort makes of what went
// in, whichever way the entries took.
#include "pagebuild/key_merge.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/cell.h"
#include "base/file.h"
#include "pagebuild/key.h"
#include "pagebuild/key_collector.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

struct Entry {
  std::string key;
  int64_t rowid;
  bool operator==(const Entry&) const = default;
};

std::string KeyOf(const Cell& cell) {
  KeyBuilder builder;
  return std::string(builder.Build({&cell, 1}));
}
std::string TextKey(std::string_view text) { return KeyOf(Cell::Text(text)); }

// How much memory there is for each part, and how the rows are dealt out.
struct Conditions {
  size_t collectors = 2;
  size_t segment_bytes = 4 << 20;
  uint64_t run_bytes = 64 << 20;
  size_t read_bytes = 1 << 20;
  size_t rows_a_chunk = 50;  // of consecutive rowids, before the next collector takes its turn
};

std::vector<Entry> Sorted(std::vector<Entry> entries, size_t columns) {
  std::ranges::stable_sort(entries, [columns](const Entry& a, const Entry& b) {
    return CompareKeys(a.key.data(), b.key.data(), columns).order < 0;
  });
  return entries;
}

// One index that is being made.
struct Build {
  explicit Build(const Conditions& wanted, size_t index_columns = 1, std::string spill_path = {})
      : conditions(wanted),
        columns(index_columns),
        space(wanted.run_bytes, spill_path.empty() ? directory / "db.keys" : spill_path) {
    for (size_t i = 0; i < conditions.collectors; ++i) {
      collectors.push_back(std::make_unique<KeyCollector>(
          &space, &runs,
          KeyCollector::Options{.columns = columns, .memory_bytes = conditions.segment_bytes}));
    }
  }

  KeyCollector& CollectorOf(size_t entry) {
    return *collectors[entry / conditions.rows_a_chunk % conditions.collectors];
  }
  // Every second short text as a row has it; both ways have to find the same key.
  void Add(const Entry& entry, KeyCollector* collector) {
    const bool as_text = columns == 1 && IsShortText(entry.key[0]) && entry.rowid % 2 == 0;
    const std::string_view text = std::string_view(entry.key).substr(1);
    as_text ? collector->AddText(text, entry.rowid) : collector->Add(entry.key, entry.rowid);
  }
  Status Collect(const std::vector<Entry>& entries) {
    for (size_t i = 0; i < entries.size(); ++i) Add(entries[i], &CollectorOf(i));
    for (auto& collector : collectors) {
      if (Status status = collector->Finish(); !status.ok()) return status;
    }
    return {};
  }
  Status Merge(std::vector<Entry>* merged) {
    KeyMerge merge(runs.Take(), &space, {.columns = columns, .read_bytes = conditions.read_bytes});
    std::string last;
    while (merge.NextKey()) {
      EXPECT_NE(merge.key(), last) << "one group came in two";
      last = merge.key();
      size_t count = 0;
      for (auto rowids = merge.NextRowids(); !rowids.empty(); rowids = merge.NextRowids()) {
        for (int64_t rowid : rowids) merged->push_back({last, rowid});
        count += rowids.size();
      }
      EXPECT_GT(count, 0u);
      EXPECT_TRUE(merge.NextRowids().empty());
    }
    return merge.status();
  }

  Conditions conditions;
  size_t columns;
  TemporaryDirectory directory;
  RunSpace space;
  IndexRuns runs;
  std::vector<std::unique_ptr<KeyCollector>> collectors;
};

// Plenty of memory; segments that are full soon; nothing but spilled runs; many of them, merged in
// several levels.
const std::vector<Conditions>& AllConditions() {
  static const std::vector<Conditions> all = {
      {},
      {.collectors = 1},
      {.collectors = 3, .segment_bytes = 16 << 10},
      {.segment_bytes = 16 << 10, .run_bytes = 0, .read_bytes = 64 << 20},
      {.segment_bytes = 2 << 10, .run_bytes = 10000, .read_bytes = 0, .rows_a_chunk = 7},
  };
  return all;
}

void ExpectSorted(const std::vector<Entry>& entries, size_t columns = 1) {
  const std::vector<Entry> expected = Sorted(entries, columns);
  for (size_t i = 0; i < AllConditions().size(); ++i) {
    SCOPED_TRACE("conditions " + std::to_string(i));
    Build build(AllConditions()[i], columns);
    ASSERT_TRUE(build.Collect(entries).ok());
    std::vector<Entry> merged;
    ASSERT_TRUE(build.Merge(&merged).ok());
    ASSERT_EQ(merged.size(), expected.size());
    for (size_t at = 0; at < merged.size(); ++at) ASSERT_EQ(merged[at], expected[at]) << at;
    EXPECT_EQ(build.space.memory_left(), build.conditions.run_bytes) << "not all was given back";
    EXPECT_EQ(std::filesystem::is_empty(build.directory.path()), true);
  }
}

constexpr int64_t kRows = 20000;

// Rowids have gaps, as rows of other tables lie between.
std::vector<Entry> Rows(const std::function<std::string(int64_t)>& key) {
  std::vector<Entry> entries;
  int64_t rowid = 0;
  for (int64_t i = 0; i < kRows; ++i) {
    rowid += i % 100 == 0 ? 5000 : 1;
    entries.push_back({key(i), rowid});
  }
  return entries;
}

std::string Hex(uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

TEST(KeyMergeTest, KeysThatRepeat) {
  std::mt19937_64 random(1);
  ExpectSorted(Rows([&](int64_t) { return TextKey("flow-" + std::to_string(random() % 50)); }));
  ExpectSorted(Rows([](int64_t i) { return TextKey("session " + std::to_string(i / 700)); }));
  ExpectSorted(Rows([](int64_t) { return KeyOf(Cell::Null()); }));
}

TEST(KeyMergeTest, ABlobIsNotTheTextOfTheSameBytes) {
  ExpectSorted(Rows([](int64_t i) {
    const std::string bytes = "flow-" + std::to_string(i % 7);
    return KeyOf(i % 3 == 0 ? Cell::Blob(bytes) : Cell::Text(bytes));
  }));
}

TEST(KeyMergeTest, KeysThatDoNotRepeat) {
  std::mt19937_64 random(2);
  ExpectSorted(Rows([&](int64_t) { return TextKey(Hex(random())); }));
  ExpectSorted(Rows([&](int64_t) { return KeyOf(Cell::Integer(static_cast<int64_t>(random()))); }));
}

TEST(KeyMergeTest, KeysInOrderAndInReverse) {
  ExpectSorted(Rows([](int64_t i) { return TextKey("2026-01-31T23:" + Hex(uint64_t(i))); }));
  ExpectSorted(
      Rows([](int64_t i) { return TextKey("2026-01-31T23:" + Hex(uint64_t(kRows - i))); }));
  ExpectSorted(Rows([](int64_t i) { return KeyOf(Cell::Integer(i)); }));
}

// The kind of segment changes, and changes back.
TEST(KeyMergeTest, KeysThatBeginAndEndToRepeat) {
  std::mt19937_64 random(3);
  ExpectSorted(Rows([&](int64_t i) {
    return i / 6000 % 2 == 0 ? TextKey(Hex(random())) : TextKey(Hex(random() % 20));
  }));
  ExpectSorted(Rows([&](int64_t i) { return TextKey(Hex(random() % uint64_t(i / 4 + 1))); }));
}

TEST(KeyMergeTest, EqualNumbersWithOtherBytesTakeTurnsByRowid) {
  std::mt19937_64 random(4);
  ExpectSorted(Rows([&](int64_t) {
    const auto number = static_cast<int64_t>(random() % 4);
    switch (random() % 4) {
      case 0:
        return KeyOf(Cell::Integer(number));
      case 1:
        return KeyOf(Cell::Real(-0.0));
      case 2:
        return KeyOf(Cell::Integer((int64_t{1} << 53) + number));
      default:
        return KeyOf(Cell::Real(static_cast<double>(number)));
    }
  }));
}

TEST(KeyMergeTest, EqualNumbersAreGroupsOfTheirOwn) {
  const std::string five = KeyOf(Cell::Integer(5));
  const std::string real_five = KeyOf(Cell::Real(5));
  const std::vector<Entry> entries = {{five, 1}, {real_five, 2}, {five, 3}, {five, 4}};
  Build build({.collectors = 1});
  ASSERT_TRUE(build.Collect(entries).ok());
  KeyMerge merge(build.runs.Take(), &build.space, {.columns = 1});
  ASSERT_TRUE(merge.NextKey());
  EXPECT_EQ(merge.key(), five);
  ASSERT_TRUE(merge.NextKey());  // the rowids of the first are passed over
  EXPECT_EQ(merge.key(), real_five);
  ASSERT_TRUE(merge.NextKey());
  EXPECT_EQ(merge.key(), five);
  EXPECT_EQ(merge.NextRowids().size(), 2u);
  EXPECT_FALSE(merge.NextKey());
  EXPECT_TRUE(merge.status().ok());
}

TEST(KeyMergeTest, SeveralColumns) {
  std::mt19937_64 random(5);
  KeyBuilder builder;
  ExpectSorted(Rows([&](int64_t) {
                 const std::string text = "a long path that all have in common/" +
                                          std::string(random() % 3 * 40, 'x') + Hex(random() % 9);
                 const Cell cells[] = {Cell::Text(text),
                                       Cell::Integer(static_cast<int64_t>(random() % 1000)),
                                       random() % 3 == 0 ? Cell::Null() : Cell::Text(text)};
                 return std::string(builder.Build(cells));
               }),
               3);
}

TEST(KeyMergeTest, TextsThatBeginWithEachOther) {
  std::mt19937_64 random(6);
  ExpectSorted(Rows([&](int64_t) {
    const char filler = random() % 3 == 0 ? '\0' : 'x';
    return TextKey(std::string(random() % 120, filler));
  }));
}

TEST(KeyMergeTest, AHugeKeyAmongSmallOnes) {
  std::vector<Entry> entries;
  for (int64_t i = 0; i < 40; ++i) {
    entries.push_back(
        {TextKey(std::string(i % 10 == 3 ? 3'000'000 : 20, 'x') + Hex(uint64_t(i % 20))), i});
  }
  ExpectSorted(entries);
}

TEST(KeyMergeTest, NothingAtAll) { ExpectSorted({}); }

TEST(KeyMergeTest, RowidsFarApart) {
  std::vector<Entry> entries;
  for (int64_t i = 0; i < 60; ++i) entries.push_back({TextKey("same"), i << 57});
  for (int64_t i = 1; i < 4; ++i) {
    entries.push_back({TextKey("same"), (int64_t{59} << 57) + (i << 31)});
  }
  ExpectSorted(entries);
}

// Everything is spilled, and there are buffers for two runs at a time.
constexpr Conditions kTight = {.segment_bytes = 4 << 10, .run_bytes = 0, .read_bytes = 0};

TEST(KeyMergeTest, MergingInLevelsUsesTheSameSpaceAgain) {
  std::mt19937_64 random(7);
  const std::vector<Entry> entries = Rows([&](int64_t) { return TextKey(Hex(random())); });
  Build build(kTight);
  ASSERT_TRUE(build.Collect(entries).ok());
  const uint64_t spilled = build.space.spilled_bytes();
  const uint64_t length = build.space.file_bytes();
  std::vector<Entry> merged;
  ASSERT_TRUE(build.Merge(&merged).ok());
  EXPECT_EQ(merged.size(), entries.size());
  EXPECT_GT(build.space.spilled_bytes(), 4 * spilled) << "there were not several levels";
  EXPECT_LE(build.space.file_bytes(), length + 2 * RunSpace::kExtentBytes);
}

TEST(KeyMergeTest, WhatIsNotMergedIsGivenBackToo) {
  Build build({.segment_bytes = 4 << 10, .run_bytes = 100 << 10});
  ASSERT_TRUE(build.Collect(Rows([](int64_t i) { return TextKey(Hex(uint64_t(i))); })).ok());
  {
    KeyMerge merge(build.runs.Take(), &build.space, {});
    for (int i = 0; i < 5000; ++i) ASSERT_TRUE(merge.NextKey());
  }
  EXPECT_EQ(build.space.memory_left(), uint64_t{100} << 10);
}

// Every call to the system fails once: what was wrong is said, and no file stays.
TEST(KeyMergeTest, AFaultAtAnyCallEndsTheBuildAndLeavesNothing) {
  std::mt19937_64 random(8);
  std::vector<Entry> entries = Rows([&](int64_t) { return TextKey(Hex(random())); });
  entries.resize(4000);
  bool done = false;
  int faults = 0;
  for (int fail_at = 0; !done; fail_at += fail_at < 20 ? 1 : 7) {
    TemporaryDirectory directory;
    Status status;
    {
      int calls = 0;
      ScopedFileHook hook([&](const FileEvent&) { return calls++ == fail_at ? ENOSPC : 0; });
      Build build(kTight, 1, directory / "db.keys");
      status = build.Collect(entries);
      std::vector<Entry> merged;
      if (status.ok()) status = build.Merge(&merged);
      done = calls <= fail_at;
      EXPECT_TRUE(!status.ok() || merged.size() == entries.size());
    }
    EXPECT_EQ(status.ok(), done) << "call " << fail_at;
    if (!done) {
      ++faults;
      EXPECT_EQ(status.code(), StatusCode::kFull) << status.message();
      EXPECT_NE(status.message().find("db.keys"), std::string::npos) << status.message();
    }
    EXPECT_TRUE(std::filesystem::is_empty(directory.path())) << "call " << fail_at;
  }
  EXPECT_GT(faults, 20);
}

TEST(KeyMergeTest, AFileThatIsThereAlreadyIsNotTouched) {
  Build build(kTight);
  build.directory.Write("db.keys", "another's");
  const Status status = build.Collect(Rows([](int64_t i) { return TextKey(Hex(uint64_t(i))); }));
  EXPECT_EQ(status.code(), StatusCode::kBusy) << status.message();
  EXPECT_EQ(ReadFile(build.directory / "db.keys", 100).value(), "another's");
}

TEST(KeyMergeTest, ThreadsCollectAndMergeAtOnce) {
  constexpr size_t kIndexes = 3;
  constexpr size_t kThreads = 4;
  const std::vector<Entry> entries =
      Rows([](int64_t i) { return TextKey(Hex(uint64_t(i) * 7919 % 5000)); });
  const std::vector<Entry> expected = Sorted(entries, 1);
  TemporaryDirectory directory;
  RunSpace space(40000, directory / "db.keys");
  std::array<IndexRuns, kIndexes> runs;

  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (IndexRuns& index : runs) {
        KeyCollector collector(&space, &index, {.columns = 1, .memory_bytes = 8 << 10});
        for (size_t i = thread; i < entries.size(); i += kThreads) {
          collector.Add(entries[i].key, entries[i].rowid);
        }
        EXPECT_TRUE(collector.Finish().ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  threads.clear();
  for (IndexRuns& index : runs) {
    threads.emplace_back([&] {
      KeyMerge merge(index.Take(), &space, {.columns = 1, .read_bytes = 256 << 10});
      size_t at = 0;
      while (merge.NextKey()) {
        for (auto rowids = merge.NextRowids(); !rowids.empty(); rowids = merge.NextRowids()) {
          for (int64_t rowid : rowids) {
            ASSERT_LT(at, expected.size());
            ASSERT_EQ(expected[at].key, merge.key());
            ASSERT_EQ(expected[at++].rowid, rowid);
          }
        }
      }
      EXPECT_TRUE(merge.status().ok());
      EXPECT_EQ(at, expected.size());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(space.memory_left(), 40000u);
}

// Whatever a random mix is made of.
TEST(KeyMergeTest, RandomMixes) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 6; ++round) {
    const uint64_t distinct = uint64_t{1} << (random() % 18);
    const uint64_t kinds = 1 + random() % 4;
    ExpectSorted(Rows([&](int64_t) {
      const uint64_t value = random() % distinct;
      switch (random() % kinds) {
        case 0:
          return TextKey("common " + std::to_string(value));
        case 1:
          return KeyOf(Cell::Integer(static_cast<int64_t>(value) - 1000));
        case 2:
          return KeyOf(Cell::Real(static_cast<double>(value) / 2));
        default:
          return TextKey(std::string(value % 300, 'y'));
      }
    }));
  }
}

}  // namespace
}  // namespace sluice
