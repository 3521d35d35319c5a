// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/index_streams.h"

#include <algorithm>
#include <utility>

namespace sluice {

IndexStreams::IndexStreams(size_t indexes, unsigned threads, BlockPool* blocks, Opener open)
    : blocks_(blocks), open_(std::move(open)), streams_(indexes) {
  for (; begun_ < std::min(indexes, kWindow); ++begun_) window_.push_back(begun_);
  const auto useful = static_cast<unsigned>(std::min<size_t>(threads, indexes));
  for (unsigned i = 0; i < useful; ++i) {
    threads_.emplace_back([this] { Work(); });
  }
}

IndexStreams::~IndexStreams() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

Result<IndexStreams::Piece> IndexStreams::Next() {
  MutexLock lock(mutex_);
  if (window_.empty()) return Piece();
  Stream& stream = streams_[window_[turn_]];
  while (stream.ready.empty() && failure_.ok()) changed_.Wait(mutex_);
  if (!failure_.ok()) return Error(failure_);
  Piece piece = std::move(stream.ready.front());
  stream.ready.pop_front();
  Advance(piece.ends);
  changed_.NotifyAll();
  return piece;
}

// The turn passes on; where an index has ended, the next takes its place.
void IndexStreams::Advance(bool ends) {
  if (!ends) {
    ++turn_;
  } else if (begun_ < streams_.size()) {
    window_[turn_++] = begun_++;
  } else {
    window_.erase(window_.begin() + static_cast<ptrdiff_t>(turn_));
  }
  if (turn_ >= window_.size()) turn_ = 0;
}

void IndexStreams::Work() {
  MutexLock lock(mutex_);
  while (true) {
    const std::optional<size_t> index = Claim();
    if (stopped_ || !failure_.ok() || (!index && begun_ == streams_.size() && AllEnded())) return;
    if (!index) {
      changed_.Wait(mutex_);
      continue;
    }
    Stream& stream = streams_[*index];
    stream.busy = true;
    mutex_.Unlock();
    Result<Piece> piece = Make(*index, &stream.builder);
    mutex_.Lock();
    stream.busy = false;
    if (piece) {
      stream.ended = piece->ends;
      stream.ready.push_back(std::move(*piece));
    } else {
      failure_ = piece.error();
    }
    changed_.NotifyAll();
  }
}

// The one that will be asked for first, of those that have the fewest blocks ready.
std::optional<size_t> IndexStreams::Claim() {
  for (size_t ready = 0; ready < kAhead; ++ready) {
    for (size_t i = 0; i < window_.size(); ++i) {
      const size_t index = window_[(turn_ + i) % window_.size()];
      const Stream& stream = streams_[index];
      if (!stream.busy && !stream.ended && stream.ready.size() == ready) return index;
    }
  }
  return std::nullopt;
}

bool IndexStreams::AllEnded() const {
  for (const size_t index : window_) {
    if (!streams_[index].ended) return false;
  }
  return true;
}

// Without the lock: nobody else touches the builder of a stream that is busy.
Result<IndexStreams::Piece> IndexStreams::Make(size_t index,
                                               std::unique_ptr<IndexBuilder>* builder) {
  if (*builder == nullptr) *builder = open_(index);
  std::unique_ptr<PageBlock> block = blocks_->Take();
  const size_t most_pages = std::max<size_t>(kBlockBytes / block->format().page_size, 8);
  // The last page may be begun, and interior pages follow: seldom one for eight leaves.
  block->Reserve(most_pages + most_pages / 8 + 1);
  if (Status s = (*builder)->Fill(block.get(), most_pages); !s.ok()) return Error(s);
  Piece piece{.index = index, .block = std::move(block), .ends = (*builder)->done()};
  if (piece.ends) {
    piece.statistics = (*builder)->Statistics();
    builder->reset();  // with the buffers of its merge
  }
  return piece;
}

}  // namespace sluice
