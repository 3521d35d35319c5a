// SPDX-License-Identifier: Apache-2.0
#include "sqlite/background_sync.h"

#include <system_error>
#include <utility>

#include <signal.h>
#include <sqlite3.h>

namespace sluice {

void BackgroundSync::Start(sqlite3_file* file) {
  // A stop is for the thread that waits for it, which a signal is to wake up.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  running_.store(true, std::memory_order_relaxed);
  try {
    thread_ = std::thread([this, file] {
      code_ = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
      running_.store(false, std::memory_order_release);
    });
  } catch (const std::system_error&) {
    running_.store(false, std::memory_order_relaxed);  // no thread to be had: nothing is early then
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

int BackgroundSync::Finish() {
  if (thread_.joinable()) thread_.join();
  return std::exchange(code_, SQLITE_OK);
}

}  // namespace sluice
