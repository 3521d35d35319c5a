// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include <sys/types.h>

namespace sluice {

// A child process that runs `body` and then waits; for tests of what two processes do to each
// other.
//
// The constructor returns when `body` has run. The child ends by _exit, so it closes nothing of the
// parent's. Threads: fork() in a process with other threads is not safe; tests that use it have
// none at that moment.
class OtherProcess {
 public:
  // `body` returns whether it came as far as it should; what it opened stays open until Finish or
  // Kill.
  explicit OtherProcess(const std::function<bool()>& body);
  ~OtherProcess() { Kill(); }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  bool ready() const { return ready_; }  // what `body` returned
  pid_t pid() const { return pid_; }
  // kill -9, and waits until it is gone.
  void Kill();

 private:
  pid_t pid_ = -1;
  bool ready_ = false;
};

}  // namespace sluice
