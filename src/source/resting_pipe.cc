// SPDX-License-Identifier: Apache-2.0
#include "source/resting_pipe.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace sluice {
namespace {

constexpr size_t kLongestHeld = size_t{1} << 20;
constexpr std::chrono::milliseconds kStep{100};

}  // namespace

RestingPipe::RestingPipe(std::unique_ptr<Source> pipe, const StopToken* stop,
                         PipeHandOver* hand_over)
    : pipe_(std::move(pipe)), stop_(stop), hand_over_(hand_over) {}

Result<size_t> RestingPipe::Read(char* to, size_t size) {
  while (Ready() == 0 && !ended_ && !hand_over_->rests) {
    const Result<bool> more = ReadMore();
    if (!more) return Error(more.error());
  }
  return HandOut(to, size);
}

size_t RestingPipe::Ready() const {
  // A last line at the end of the pipe, and one that is too long to be held, go out as they are.
  const bool all = ended_ || hand_over_->tail.size() - ready_ > kLongestHeld;
  return all ? hand_over_->tail.size() : ready_;
}

Result<bool> RestingPipe::ReadMore() {
  // The first bytes may have been taken from the pipe already, to see whether it is compressed.
  if (has_begun_ && WaitForMore() == Wait::kRests) {
    hand_over_->rests = true;
    return false;
  }
  constexpr size_t kRead = size_t{256} << 10;
  std::string& tail = hand_over_->tail;
  const size_t before = tail.size();
  tail.resize(before + kRead);
  const Result<size_t> read = pipe_->Read(tail.data() + before, kRead);
  tail.resize(before + read.value_or(0));
  if (!read) return Error(read.error());
  if (*read == 0) ended_ = true;
  const size_t newline = tail.rfind('\n');
  ready_ = newline == std::string::npos ? 0 : newline + 1;
  return *read > 0;
}

RestingPipe::Wait RestingPipe::WaitForMore() const {
  const Clock::time_point idle_until = Clock::now() + hand_over_->idle;
  while (stop_ == nullptr || !stop_->stopped()) {
    const Clock::time_point now = Clock::now();
    const bool may_rest = !in_line_ && now >= hand_over_->rests_from;
    if (may_rest && (now >= idle_until || now - began_ >= hand_over_->longest)) return Wait::kRests;
    pollfd waiting{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, static_cast<int>(kStep.count())) > 0) return Wait::kReadable;
  }
  return Wait::kReadable;  // whoever reads then hears of the stop
}

size_t RestingPipe::HandOut(char* to, size_t size) {
  const size_t count = std::min(size, Ready());
  if (count == 0) return 0;
  std::string& tail = hand_over_->tail;
  std::memcpy(to, tail.data(), count);
  AppendToWindow(&hand_over_->window, {to, count});
  in_line_ = to[count - 1] != '\n';
  tail.erase(0, count);
  ready_ -= std::min(ready_, count);
  if (!std::exchange(has_begun_, true)) began_ = Clock::now();
  return count;
}

}  // namespace sluice
