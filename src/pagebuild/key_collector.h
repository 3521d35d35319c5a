// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "pagebuild/key_run.h"
#include "pagebuild/key_segment.h"
#include "pagebuild/run_space.h"
#include "sluice/status.hpp"

namespace sluice {

// Takes the entries of one index from one thread and makes sorted runs of them.
//
//   KeyCollector collector(&space, &runs, {.columns = 1, .memory_bytes = 4 << 20});
//   while (...) collector.Add(key, rowid, count);
//   if (Status s = collector.Finish(); !s.ok()) return s;
//
// Whether keys repeat is decided while they come, by segment: a dictionary takes 2 bytes a row or
// less and sorts only distinct keys, but costs more than it saves where most keys are new. A
// dictionary that finds more than 30 % of its keys new gives way to plain segments; a plain segment
// knows from its sort how many were distinct, and calls the dictionary back.
//
// Lifetime: space and runs outlive it. Threads: one thread; there is a collector for each thread
// and index. Limits: memory_bytes, all of it allocated with the first Add, and while a run is
// written KeyRunWriter's buffers; more only for a key that is longer by itself, and only as long as
// that is there.
class KeyCollector {
 public:
  struct Options {
    size_t columns = 1;       // of the index
    size_t memory_bytes = 0;  // for a segment: kLeastMemory to 1 GiB
  };
  static constexpr size_t kLeastMemory = 1024;

  KeyCollector(RunSpace* space, IndexRuns* runs, Options options);

  // `count` rows with this key, from `rowid` on without a gap. The key, of less than 2 GiB, is
  // copied. Rowids ascend from call to call. After an error it does nothing: see status(), once per
  // batch.
  void Add(std::string_view key, int64_t rowid, size_t count = 1);
  // The same for a key of one column that is this text, of at most kLongestShortText bytes. Mostly
  // it is one of the few that take turns, and then it need not be made into a key to be found.
  void AddText(std::string_view text, int64_t rowid, size_t count = 1);
  // Hands over what is left and frees the memory.
  Status Finish();

  const Status& status() const { return status_; }

 private:
  // A dictionary is not judged before: the first rows of an input say little.
  static constexpr uint64_t kFirstJudgedRow = 4096;
  // Where more than 3 of 10 keys are new, sorting all of them is cheaper.
  static bool Repeats(uint64_t distinct, uint64_t rows) { return distinct * 10 <= rows * 3; }

  uint64_t rows() const { return repeats_ ? dictionary_.rows() : plain_.rows(); }
  size_t AddToSegment(std::string_view key, int64_t rowid, size_t count);
  void JudgeDictionary();
  void StartSegment(size_t key_size);
  Status Seal();

  RunSpace* const space_;
  IndexRuns* const runs_;
  const Options options_;
  const size_t slots_;
  Status status_;

  std::unique_ptr<char[]> block_;  // of the segment
  size_t block_size_ = 0;
  bool repeats_ = true;  // which of the two is in use
  DictionarySegment dictionary_;
  PlainSegment plain_;
  // A dictionary is judged once, when it has so many rows. As many as the plain segment had that
  // called it back, which had to see that many to find repetitions.
  uint64_t judged_rows_ = kFirstJudgedRow;
  bool is_judged_ = false;
};

}  // namespace sluice
