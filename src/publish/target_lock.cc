// SPDX-License-Identifier: Apache-2.0
#include "publish/target_lock.h"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

#include <sys/file.h>
#include <unistd.h>

#include "sqlite/lock_holders.h"

namespace sluice {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPollInterval{10};
constexpr uint64_t kPidBytes = 32;

Status HeldByAnother(const std::string& target, const std::string& lock_path) {
  const Result<std::string> pid = ReadFile(lock_path, kPidBytes);
  LockHolder holder;
  if (pid) holder = ProcessOf(std::atoi(pid->c_str()));
  return {StatusCode::kBusy, target + ": another sluice writes to it: " + Describe(holder),
          "wait until it is done, or give this run more time (--wait); one that follows ends by a "
          "signal"};
}

// Whether the name still leads to the file that we have locked.
Result<bool> StillNamed(const File& file) {
  const Result<FileInfo> ours = file.Info();
  if (!ours) return Error(ours.error());
  const Result<FileInfo> named = Stat(file.path());
  if (!named && named.error().code() != StatusCode::kNotFound) return Error(named.error());
  return named && named->SameFileAs(*ours);
}

}  // namespace

Result<TargetLock> TargetLock::Acquire(const std::string& target, const LockWait& wait) {
  const std::string path = target + ".sluice-lock";
  const auto since = steady_clock::now();
  while (true) {
    Result<File> file = File::Open(path, File::Mode::kReadWrite);
    if (!file) return Error(file.error());
    if (flock(file->descriptor(), LOCK_EX | LOCK_NB) == 0) {
      const Result<bool> named = StillNamed(*file);
      if (!named) return Error(named.error());
      if (!*named) continue;  // its holder removed it between our open and our lock
      TargetLock lock;
      lock.file_ = std::move(*file);
      Status status = lock.file_.Truncate(0);
      if (status.ok()) status = lock.file_.Write(std::to_string(getpid()) + "\n");
      if (!status.ok()) return Error(status);
      return lock;
    }
    if (errno != EWOULDBLOCK && errno != EINTR) return Error(SystemError(errno, "lock " + path));
    if (wait.IsOver(steady_clock::now() - since)) return Error(HeldByAnother(target, path));
    std::this_thread::sleep_for(kPollInterval);
  }
}

TargetLock& TargetLock::operator=(TargetLock&& other) noexcept {
  if (this != &other) {
    Release();
    file_ = std::move(other.file_);
  }
  return *this;
}

void TargetLock::Release() {
  if (!held()) return;
  // First the name, then the lock: the other way round a new holder's file could be removed. A file
  // that stays behind because this fails is no obstacle.
  static_cast<void>(Remove(file_.path()));
  static_cast<void>(file_.Close());
}

}  // namespace sluice
