// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

namespace sluice {

// Asks a run to stop. One token may be given to several runs; it stays set.
// Threads: any; RequestStop may be called in a signal handler.
class StopToken {
 public:
  void RequestStop(int signal = 0) {
    signal_.store(signal, std::memory_order_relaxed);
    stopped_.store(true, std::memory_order_release);
  }
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }
  // 0 if it was not a signal.
  int signal() const { return signal_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> stopped_{false};
  std::atomic<int> signal_{0};
  static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);
};

// Sets handlers of the process; no other function does. The first SIGINT or SIGTERM sets `token`; a
// second one ends the process by its default action, which is safe, because what was committed
// stays. SIGPIPE is ignored from now on. `token` must live until the process ends.
void StopOnSignals(StopToken* token);

}  // namespace sluice
