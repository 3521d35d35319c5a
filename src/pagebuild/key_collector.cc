// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/key_collector.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "pagebuild/key.h"

namespace sluice {

KeyCollector::KeyCollector(RunSpace* space, IndexRuns* runs, Options options)
    : space_(space),
      runs_(runs),
      options_(options),
      slots_(DictionarySegment::SlotsFor(options.memory_bytes)),
      dictionary_(options.columns),
      plain_(options.columns) {}

void KeyCollector::Add(std::string_view key, int64_t rowid, size_t count) {
  if (block_ == nullptr && status_.ok()) StartSegment(key.size());
  while (status_.ok()) {
    const bool was_empty = rows() == 0;
    const size_t taken = AddToSegment(key, rowid, count);
    if (taken == count) return;
    if (taken == 0 && was_empty) {
      status_ = Status::Internal("an empty segment has no room for a key");
      return;
    }
    rowid += static_cast<int64_t>(taken);
    count -= taken;
    status_ = Seal();
    StartSegment(key.size());
  }
}

void KeyCollector::AddText(std::string_view text, int64_t rowid, size_t count) {
  size_t taken = 0;
  if (block_ != nullptr && repeats_) {
    taken = dictionary_.AddKnownText(text, rowid, count);
    if (taken > 0) JudgeDictionary();
    if (taken == count) return;
  }
  char key[1 + kLongestShortText];
  key[0] = TypeOfShortText(text.size());
  std::memcpy(key + 1, text.data(), text.size());
  Add({key, 1 + text.size()}, rowid + static_cast<int64_t>(taken), count - taken);
}

// How many of the rows there was room for.
size_t KeyCollector::AddToSegment(std::string_view key, int64_t rowid, size_t count) {
  if (!repeats_) return plain_.Add(key, rowid, count);
  const size_t taken = dictionary_.Add(key, rowid, count);
  if (taken == count) JudgeDictionary();
  return taken;
}

void KeyCollector::JudgeDictionary() {
  if (is_judged_ || dictionary_.rows() < judged_rows_) return;
  is_judged_ = true;
  if (Repeats(dictionary_.distinct(), dictionary_.rows())) return;
  status_ = Seal();
  StartSegment(0);
}

// For a key of that size at least: a key that is longer than a segment makes one of its own.
void KeyCollector::StartSegment(size_t key_size) {
  const size_t slots_bytes = repeats_ ? slots_ * sizeof(uint32_t) : 0;
  const size_t least = slots_bytes + (repeats_ ? DictionarySegment::BytesFor(key_size)
                                               : PlainSegment::BytesFor(key_size));
  const size_t size = std::max(options_.memory_bytes, least);
  if (size != block_size_) {
    block_.reset();
    block_.reset(new char[size]);
    block_size_ = size;
  }
  is_judged_ = false;
  if (repeats_) {
    dictionary_.Start({block_.get(), size}, slots_);
  } else {
    plain_.Start({block_.get(), size});
  }
}

// Makes a run of the segment, and decides what the next one is.
Status KeyCollector::Seal() {
  const uint64_t sealed = rows();
  if (sealed == 0) return {};
  const int64_t lowest = repeats_ ? dictionary_.lowest_rowid() : plain_.lowest_rowid();
  KeyRunWriter writer(space_, options_.columns, lowest);
  Status status = repeats_ ? dictionary_.Seal(&writer) : plain_.Seal(&writer);
  if (!status.ok()) return status;
  Result<KeyRun> run = writer.Finish();
  if (!run) return run.error();
  runs_->Add(*std::move(run));

  if (!repeats_) judged_rows_ = std::max(sealed, kFirstJudgedRow);
  repeats_ = Repeats(writer.distinct(), sealed);
  return {};
}

Status KeyCollector::Finish() {
  if (status_.ok()) status_ = Seal();
  block_.reset();
  block_size_ = 0;
  return status_;
}

}  // namespace sluice
