// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pagebuild/key_run.h"
#include "pagebuild/run_space.h"
#include "sluice/status.hpp"

namespace sluice {

// Merges the runs of an index into its entries in index order.
//
//   KeyMerge merge(runs.Take(), &space, {.columns = 1, .read_bytes = 8 << 20});
//   while (merge.NextKey()) {
//     for (auto rowids = merge.NextRowids(); !rowids.empty(); rowids = merge.NextRowids()) {
//       ... merge.key() with each of rowids
//     }
//   }
//   if (!merge.status().ok()) return merge.status();
//
// What comes out depends on the entries alone, not on how they were spread over runs.
//
// Lifetime: space outlives it. Threads: one thread; merges of several indexes go on at once.
// Limits: read_bytes of buffers, but two of kLeastBuffer at least. Where more runs are spilled than
// have a buffer, or there are more than kMaxFanIn, the first call of NextKey merges the shortest of
// them into longer ones first. A key that is longer than a block is held once for each run that has
// it next.
// Errors: NextKey is false, and status() says why.
class KeyMerge {
 public:
  struct Options {
    size_t columns = 1;     // of the index
    size_t read_bytes = 0;  // for reading spilled runs
  };
  static constexpr size_t kLeastBuffer = size_t{64} << 10;
  // What is next in each run, and the blocks it comes from, are to stay in the processor's cache.
  static constexpr size_t kMaxFanIn = 512;

  KeyMerge(std::vector<KeyRun> runs, RunSpace* space, Options options);

  // Goes to the next group of consecutive entries with the same bytes as their key, and passes over
  // rowids of the one before that were not taken. False at the end and after an error.
  bool NextKey();
  // Lifetime: until NextKey is called.
  std::string_view key() const { return key_; }
  // The next rowids of the group, ascending, up to KeyRunWriter::kMaxGroup of them; none when all
  // were taken. Lifetime: until NextKey or NextRowids is called.
  std::span<const int64_t> NextRowids();

  const Status& status() const { return status_; }

 private:
  // In a place of the tournament: what is next in a run.
  struct Entry {
    uint64_t prefix;
    uint32_t run;  // kNoRun where it has ended
  };
  static constexpr uint32_t kNoRun = UINT32_MAX;

  // A run that has key_, or a key that compares equal to it, next.
  struct Turn {
    int64_t rowid;  // the next one
    uint32_t run;
    bool has_key;  // the same bytes
  };

  Status Start();
  Status MergeFirst(size_t count);
  void OpenReaders();
  void NextInRun(uint32_t run);

  Entry Winner(const Entry& a, const Entry& b) const;
  bool ComesFirst(const Entry& a, const Entry& b) const;
  bool KeepsLead();
  void Replay();
  void ReplayOne(size_t leaf);
  void ReplayRound();

  bool EqualsKey(const Entry& entry) const;
  void FindEqual();
  void FindEqualBelow(size_t place);
  void AddTurn(uint32_t run, bool has_key);
  void TakeTurn(size_t* count);
  void SinkTurn(size_t at);

  RunSpace* const space_;
  const Options options_;
  std::vector<KeyRun> runs_;  // until Start
  bool started_ = false;
  Status status_;

  std::vector<KeyRunReader> readers_;
  size_t skip_ = 0;  // what all texts begin with is left out of prefixes

  // A tournament: place 1 is the winner, the smallest of all; the matches of place i were won by
  // the smaller of 2i and 2i + 1; the runs themselves begin at first_leaf_. Winners, not losers,
  // are kept, because runs with equal keys are found from the top down without a change, and then
  // replayed together. And where prefixes differ, which is nearly always, a replay is a chain of
  // conditional moves over places that are known beforehand: nothing to predict, nothing to wait
  // for.
  std::vector<Entry> places_;
  size_t first_leaf_ = 1;

  // The smallest prefix of all but the winner, where that is known: as long as the winner's next
  // keys are below it, as they are where keys come nearly in order, there is nothing to play.
  uint64_t rival_ = 0;

  std::vector<uint32_t> moved_;  // runs that went on since the last replay, ascending
  std::vector<size_t> replays_;  // places of one round

  std::vector<Turn> turns_;  // a heap: the lowest rowid is first
  std::string key_;
  bool group_ended_ = true;
  std::array<int64_t, KeyRunWriter::kMaxGroup> rowids_;
};

}  // namespace sluice
