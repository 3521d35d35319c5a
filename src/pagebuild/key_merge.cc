// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/key_merge.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <utility>

#include "pagebuild/key.h"

namespace sluice {
namespace {

constexpr uint64_t kLastPrefix = UINT64_MAX;

void RangesOf(std::span<const int64_t> rowids, std::vector<RowidRange>* ranges) {
  ranges->clear();
  for (const int64_t rowid : rowids) {
    if (!ranges->empty() && ranges->back().last() + 1 == rowid) {
      ++ranges->back().count;
    } else {
      ranges->push_back({rowid, 1});
    }
  }
}

}  // namespace

KeyMerge::KeyMerge(std::vector<KeyRun> runs, RunSpace* space, Options options)
    : space_(space), options_(options), runs_(std::move(runs)) {}

Status KeyMerge::Start() {
  started_ = true;
  const size_t buffers = std::max<size_t>(options_.read_bytes / kLeastBuffer, 2);
  for (;;) {
    // A run in memory needs no buffer.
    const auto spilled = static_cast<size_t>(std::ranges::count_if(runs_, &KeyRun::is_spilled));
    const bool short_of_buffers = spilled > buffers;
    if (!short_of_buffers && runs_.size() <= kMaxFanIn) break;
    std::ranges::sort(runs_, [short_of_buffers](const KeyRun& a, const KeyRun& b) {
      if (short_of_buffers && a.is_spilled() != b.is_spilled()) return a.is_spilled();
      return a.bytes() < b.bytes();
    });
    const size_t fan_in = std::min(buffers, kMaxFanIn);
    const size_t excess = short_of_buffers ? spilled - fan_in : runs_.size() - kMaxFanIn;
    if (Status status = MergeFirst(std::min(fan_in, excess + 1)); !status.ok()) return status;
  }
  OpenReaders();
  return status_;
}

// The first `count` of runs_ become one.
Status KeyMerge::MergeFirst(size_t count) {
  const auto end = runs_.begin() + static_cast<ptrdiff_t>(count);
  std::vector<KeyRun> parts(std::make_move_iterator(runs_.begin()), std::make_move_iterator(end));
  runs_.erase(runs_.begin(), end);

  const int64_t lowest = std::ranges::min_element(parts, {}, &KeyRun::lowest_rowid)->lowest_rowid();
  KeyRunWriter writer(space_, options_.columns, lowest);
  KeyMerge merge(std::move(parts), space_, options_);
  std::vector<RowidRange> ranges;
  std::array<std::string, 2> keys;  // the writer still looks at the one before
  for (size_t i = 0; merge.NextKey(); i = 1 - i) {
    std::string& key = keys[i];
    key = merge.key();
    for (auto rowids = merge.NextRowids(); !rowids.empty(); rowids = merge.NextRowids()) {
      RangesOf(rowids, &ranges);
      if (Status status = writer.Add(key, ranges); !status.ok()) return status;
    }
  }
  if (!merge.status().ok()) return merge.status();
  Result<KeyRun> run = writer.Finish();
  if (!run) return run.error();
  runs_.push_back(*std::move(run));
  return {};
}

void KeyMerge::OpenReaders() {
  std::string_view common;
  for (const KeyRun& run : runs_) {
    const std::string_view text = run.common_text();
    common = &run == &runs_[0] ? text : text.substr(0, CommonPrefix(common, text));
  }
  skip_ = common.size();

  const auto spilled = static_cast<size_t>(std::ranges::count_if(runs_, &KeyRun::is_spilled));
  const size_t buffer = std::clamp(options_.read_bytes / std::max<size_t>(spilled, 1), kLeastBuffer,
                                   RunSpace::kExtentBytes);
  readers_.reserve(runs_.size());
  for (KeyRun& run : runs_) readers_.emplace_back(std::move(run), options_.columns, buffer);
  runs_.clear();

  first_leaf_ = std::bit_ceil(std::max<size_t>(readers_.size(), 2));
  places_.assign(2 * first_leaf_, Entry{kLastPrefix, kNoRun});
  moved_.resize(readers_.size());
  std::iota(moved_.begin(), moved_.end(), 0);
  for (uint32_t run : moved_) NextInRun(run);
}

// Goes to the next group of a run and puts its key in its place.
void KeyMerge::NextInRun(uint32_t run) {
  KeyRunReader& reader = readers_[run];
  Entry& place = places_[first_leaf_ + run];
  if (reader.NextGroup()) {
    place = {KeyPrefix(reader.key().data(), options_.columns, skip_), run};
  } else {
    place = {kLastPrefix, kNoRun};
    if (!reader.status().ok()) status_ = reader.status();
  }
}

bool KeyMerge::NextKey() {
  if (!started_) status_ = Start();
  while (!group_ended_) NextRowids();
  if (!status_.ok()) return false;

  if (turns_.empty()) {
    if (!KeepsLead()) {
      Replay();
      if (places_[1].run == kNoRun) return false;
    }
    const uint32_t winner = places_[1].run;
    key_ = readers_[winner].key();
    places_[1].prefix < rival_ ? AddTurn(winner, true) : FindEqual();
  }
  if (!turns_[0].has_key) {
    // It compares equal to key_, but its bytes are others.
    key_ = readers_[turns_[0].run].key();
    for (Turn& turn : turns_) turn.has_key = SameBytes(readers_[turn.run].key(), key_);
  }
  group_ended_ = false;
  return true;
}

std::span<const int64_t> KeyMerge::NextRowids() {
  size_t count = 0;
  while (count < rowids_.size() && !turns_.empty() && turns_[0].has_key) {
    TakeTurn(&count);
  }
  if (count == 0) group_ended_ = true;
  return {rowids_.data(), count};
}

// Takes rowids from the run that has the lowest, up to the lowest of the other runs.
void KeyMerge::TakeTurn(size_t* count) {
  Turn& turn = turns_[0];
  int64_t limit = std::numeric_limits<int64_t>::max();
  for (size_t i = 1; i < std::min<size_t>(turns_.size(), 3); ++i) {
    limit = std::min(limit, turns_[i].rowid);
  }
  KeyRunReader& reader = readers_[turn.run];
  *count += reader.TakeRowids(limit, std::span(rowids_).subspan(*count));
  if (!reader.HasRowid()) {
    NextInRun(turn.run);
    const Entry& next = places_[first_leaf_ + turn.run];
    if (!EqualsKey(next)) {
      turn = turns_.back();
      turns_.pop_back();
      return SinkTurn(0);
    }
    turn.has_key = SameBytes(reader.key(), key_);
  }
  turn.rowid = reader.rowid();
  SinkTurn(0);
}

void KeyMerge::SinkTurn(size_t at) {
  for (;;) {
    size_t lowest = at;
    for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < turns_.size(); ++child) {
      if (turns_[child].rowid < turns_[lowest].rowid) lowest = child;
    }
    if (lowest == at) return;
    std::swap(turns_[at], turns_[lowest]);
    at = lowest;
  }
}

bool KeyMerge::ComesFirst(const Entry& a, const Entry& b) const {
  if (b.run == kNoRun) return true;
  if (a.run == kNoRun) return false;
  return CompareKeys(readers_[a.run].key().data(), readers_[b.run].key().data(), options_.columns)
             .order <= 0;
}

KeyMerge::Entry KeyMerge::Winner(const Entry& a, const Entry& b) const {
  if (a.prefix == b.prefix) [[unlikely]]
    return ComesFirst(a, b) ? a : b;
  return a.prefix < b.prefix ? a : b;
}

// Whether the run that won is the only one that moved, and wins again without a match. Its places
// in the tournament are left as they are, but for the first: nobody else looks at them.
bool KeyMerge::KeepsLead() {
  if (moved_.size() != 1 || moved_[0] != places_[1].run) return false;
  const Entry& next = places_[first_leaf_ + moved_[0]];
  if (next.prefix >= rival_) return false;
  places_[1] = next;
  moved_.clear();
  return true;
}

// Plays again all matches that runs in moved_ take part in.
void KeyMerge::Replay() {
  rival_ = 0;
  if (moved_.size() == 1) {
    ReplayOne(first_leaf_ + moved_[0]);
  } else {
    replays_.clear();
    for (uint32_t run : moved_) replays_.push_back(first_leaf_ + run);
    for (size_t round = first_leaf_; round > 1; round /= 2) ReplayRound();
  }
  moved_.clear();
}

// From a leaf to the top.
void KeyMerge::ReplayOne(size_t leaf) {
  const uint32_t run = places_[leaf].run;
  Entry winner = places_[leaf];
  uint64_t least_loser = kLastPrefix;
  for (size_t place = leaf; place > 1; place /= 2) {
    const Entry& other = places_[place ^ 1];
    least_loser = std::min(least_loser, std::max(winner.prefix, other.prefix));
    if (other.prefix == winner.prefix) [[unlikely]] {
      winner = Winner(winner, other);
    } else {
      // All ones where the other wins: a branch would be mispredicted every second time.
      const uint64_t mask = -uint64_t{other.prefix < winner.prefix};
      winner.prefix ^= (winner.prefix ^ other.prefix) & mask;
      winner.run ^= (winner.run ^ other.run) & static_cast<uint32_t>(mask);
    }
    places_[place / 2] = winner;
  }
  if (winner.run == run) rival_ = least_loser;
}

// From the places of one round, in ascending order, to those of the next.
void KeyMerge::ReplayRound() {
  size_t count = 0;
  for (size_t place : replays_) {
    const size_t next = place / 2;
    if (count > 0 && replays_[count - 1] == next) continue;
    places_[next] = Winner(places_[2 * next], places_[2 * next + 1]);
    replays_[count++] = next;
  }
  replays_.resize(count);
}

// Whether the next key of a run compares equal to key_.
bool KeyMerge::EqualsKey(const Entry& entry) const {
  if (entry.prefix != places_[1].prefix || entry.run == kNoRun) return false;
  const std::string_view key = readers_[entry.run].key();
  if (SameBytes(key, key_)) return true;
  if (OnlyEqualsItself(key.data(), options_.columns)) return false;
  return CompareKeys(key.data(), key_.data(), options_.columns).order == 0;
}

// All runs whose next key compares equal to the winner's.
void KeyMerge::FindEqual() {
  const Entry winner = places_[1];
  bool alone = true;
  for (size_t place = first_leaf_ + winner.run; place > 1; place /= 2) {
    alone &= places_[place ^ 1].prefix != winner.prefix;
  }
  if (alone) {
    AddTurn(winner.run, true);
  } else {
    FindEqualBelow(1);
    for (size_t at = turns_.size() / 2; at-- > 0;) SinkTurn(at);
  }
}

// The winner of `place` is one of them. A run that is not does not hide one that is.
void KeyMerge::FindEqualBelow(size_t place) {
  if (place >= first_leaf_) {
    const uint32_t run = places_[place].run;
    return AddTurn(run, SameBytes(readers_[run].key(), key_));
  }
  for (size_t child : {2 * place, 2 * place + 1}) {
    if (places_[child].run == places_[place].run || EqualsKey(places_[child])) {
      FindEqualBelow(child);
    }
  }
}

void KeyMerge::AddTurn(uint32_t run, bool has_key) {
  turns_.push_back({.rowid = readers_[run].rowid(), .run = run, .has_key = has_key});
  moved_.push_back(run);
}

}  // namespace sluice
