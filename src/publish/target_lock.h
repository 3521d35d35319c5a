// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/file.h"
#include "base/lock_wait.h"
#include "sluice/status.hpp"

namespace sluice {

// The right to build one target: flock() on `<target>.sluice-lock`, which holds the pid of its
// holder for people and messages.
//
// The kernel lets go of it when the process dies, so a file that was left behind is no obstacle.
// Release removes the file while it is still locked; who had opened it before that gets a lock on a
// file without a name, notices, and begins anew. Threads: one. Limits: the file system must support
// flock.
class TargetLock {
 public:
  // kBusy, with the holder's pid and name, when `wait` is over.
  static Result<TargetLock> Acquire(const std::string& target, const LockWait& wait);

  TargetLock() = default;
  TargetLock(TargetLock&& other) noexcept = default;
  TargetLock& operator=(TargetLock&& other) noexcept;
  ~TargetLock() { Release(); }

  bool held() const { return file_.is_open(); }
  void Release();

 private:
  File file_;
};

}  // namespace sluice
