// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <thread>

struct sqlite3_file;

namespace sluice {

// A sync of one of SQLite's files, by its own descriptor (I10), on a thread of its own: so that a
// later sync, which somebody has to wait for, finds little left to do.
//
// Threads: the connection's; the thread within calls nothing but the file's xSync. Lifetime: the
// file stays open until Finish() or the end of this. Errors: the system tells of a failed write
// once, so a failure here is the connection's own: who gets it from Finish() condemns it (I8).
class BackgroundSync {
 public:
  BackgroundSync() = default;
  ~BackgroundSync() { Finish(); }
  BackgroundSync(const BackgroundSync&) = delete;
  BackgroundSync& operator=(const BackgroundSync&) = delete;

  // Finish() comes before the next one.
  void Start(sqlite3_file* file);
  bool running() const { return running_.load(std::memory_order_acquire); }
  // Waits where it still runs. SQLite's code; SQLITE_OK where none was started since the last call.
  int Finish();

 private:
  std::thread thread_;
  std::atomic<bool> running_{false};
  int code_ = 0;  // the thread's until it was joined
};

}  // namespace sluice
