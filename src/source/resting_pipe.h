// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>

#include "sluice/pipe.hpp"
#include "sluice/stop.hpp"
#include "source/source.h"

namespace sluice {

// Stdin, a pipe, read until it rests: the historical part of live mode, which a stream that never
// ends must come to an end of all the same.
//
// When it rests (PipeHandOver says when) its Read says 0, as at the end. Up to there it hands out
// whole lines only, so that what follows begins at the start of a line.
//
// Limits: a line of more than 1 MiB is handed out in pieces, and the pipe does not rest in the
// middle of it. Threads: one.
class RestingPipe final : public Source {
 public:
  // Lifetime: stop and hand_over outlive it.
  RestingPipe(std::unique_ptr<Source> pipe, const StopToken* stop, PipeHandOver* hand_over);

  Result<size_t> Read(char* to, size_t size) override;
  const SourceKey& key() const override { return pipe_->key(); }
  uint64_t stored_bytes_read() const override { return pipe_->stored_bytes_read(); }
  uint64_t stored_size() const override { return 0; }
  bool rereadable() const override { return false; }
  bool may_grow() const override { return false; }

 private:
  using Clock = std::chrono::steady_clock;

  enum class Wait : uint8_t { kReadable, kRests };
  Wait WaitForMore() const;
  // Appends what is there to the tail. False when the pipe rests or is at its end.
  Result<bool> ReadMore();
  size_t HandOut(char* to, size_t size);
  // How much of the tail may be handed out now.
  size_t Ready() const;

  const std::unique_ptr<Source> pipe_;
  const StopToken* const stop_;
  PipeHandOver* const hand_over_;  // its tail is what was read and not handed out
  size_t ready_ = 0;               // bytes of the tail up to its last newline
  bool in_line_ = false;           // what was handed out last ended within a line
  bool ended_ = false;
  bool has_begun_ = false;  // the first line was handed out
  Clock::time_point began_;
};

}  // namespace sluice
