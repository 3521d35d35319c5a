// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

namespace sluice {

// Whether a run has been asked to stop, and by which signal.
// Threads: any; RequestStop may be called in a signal handler.
class StopToken {
 public:
  void RequestStop(int signal = 0) {
    signal_.store(signal, std::memory_order_relaxed);
    stopped_.store(true, std::memory_order_release);
  }
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }
  // 0 where it was not a signal.
  int signal() const { return signal_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> stopped_{false};
  std::atomic<int> signal_{0};
  static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);
};

// The first SIGINT or SIGTERM sets `token`; a second one ends the process at once with the signal's
// own default action, which is safe too: what was committed stays. SIGPIPE is ignored. `token`
// lives until the process ends.
void StopOnSignals(StopToken* token);

}  // namespace sluice
