// SPDX-License-Identifier: Apache-2.0
#include "sqlite/lock_holders.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/directory.h"

namespace sluice {
namespace {

// Where SQLite locks (its os.h and walIndex documentation): bytes of the database file ...
constexpr uint64_t kPendingByte = 0x40000000;
constexpr uint64_t kSharedFirst = kPendingByte + 2;
// ... and of the -shm file: 120 writer, 121 checkpointer, 122 recovery, 123-127 read marks, 128 "in
// use".
constexpr uint64_t kWalWriteByte = 120;
constexpr uint64_t kWalReadFirst = 123;
constexpr uint64_t kWalReadLast = 127;

// One line of /proc/locks: "7: POSIX  ADVISORY  WRITE 4711 fe:00:131090 120 120".
struct HeldLock {
  bool write = false;
  int pid = 0;
  uint64_t device_major = 0, device_minor = 0, inode = 0;
  uint64_t first = 0, last = 0;
};

std::optional<HeldLock> ParseLock(const std::string& line) {
  // "7: -> POSIX ..." waits for a lock and holds none.
  char kind[16], access[16], end[32];
  HeldLock lock;
  unsigned long major = 0, minor = 0, inode = 0, first = 0;
  const int fields = std::sscanf(line.c_str(), "%*u: %15s %*15s %15s %d %lx:%lx:%lu %lu %31s", kind,
                                 access, &lock.pid, &major, &minor, &inode, &first, end);
  // SQLite's unix VFS takes POSIX locks, those of open files (OFDLCK) where it is built so.
  if (fields != 8 || (std::strcmp(kind, "POSIX") != 0 && std::strcmp(kind, "OFDLCK") != 0)) {
    return std::nullopt;
  }
  lock.write = std::strcmp(access, "WRITE") == 0;
  lock.device_major = major;
  lock.device_minor = minor;
  lock.inode = inode;
  lock.first = first;
  lock.last = std::strcmp(end, "EOF") == 0 ? UINT64_MAX : std::strtoull(end, nullptr, 10);
  return lock;
}

bool Covers(const HeldLock& lock, uint64_t first, uint64_t last) {
  return lock.first <= last && lock.last >= first;
}

// Some file systems (btrfs, overlays) show another device number in stat() than the kernel keeps
// with the lock; then the inode must do. A false match would need a lock on the very bytes that
// SQLite uses.
bool IsOn(const HeldLock& lock, const struct stat& file) {
  if (lock.inode != file.st_ino) return false;
  const bool same_device =
      lock.device_major == major(file.st_dev) && lock.device_minor == minor(file.st_dev);
  return same_device || major(file.st_dev) == 0;
}

std::string NameOf(int pid) {
  std::ifstream comm("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(comm, name);
  return name;
}

LockHolder& HolderOf(int pid, std::vector<LockHolder>* holders) {
  for (LockHolder& holder : *holders) {
    if (holder.pid == pid) return holder;
  }
  holders->push_back(ProcessOf(pid));
  return holders->back();
}

}  // namespace

std::vector<LockHolder> LockHoldersOf(const std::string& database_path) {
  struct stat database {};
  struct stat shm {};
  if (stat(database_path.c_str(), &database) != 0) return {};
  const bool has_shm = stat((database_path + "-shm").c_str(), &shm) == 0;

  std::vector<LockHolder> holders;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    const std::optional<HeldLock> lock = ParseLock(line);
    if (!lock) continue;
    if (IsOn(*lock, database)) {
      LockHolder& holder = HolderOf(lock->pid, &holders);
      holder.connected = true;
      // In WAL mode the database file itself is only ever locked SHARED; then -shm says who reads.
      if (lock->write && Covers(*lock, kPendingByte, UINT64_MAX)) holder.writes = true;
      if (!lock->write && !has_shm && Covers(*lock, kSharedFirst, UINT64_MAX)) holder.reads = true;
    } else if (has_shm && IsOn(*lock, shm)) {
      LockHolder& holder = HolderOf(lock->pid, &holders);
      holder.connected = true;
      if (lock->write && Covers(*lock, kWalWriteByte, kWalWriteByte)) holder.writes = true;
      if (Covers(*lock, kWalReadFirst, kWalReadLast)) holder.reads = true;
    }
  }
  return holders;
}

std::vector<LockHolder> ProcessesWithOpen(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) return {};
  std::vector<LockHolder> holders;
  for (const std::string& process : NamesIn("/proc")) {
    const int pid = std::atoi(process.c_str());
    if (pid <= 0 || pid == getpid()) continue;
    const std::string descriptors = "/proc/" + process + "/fd";
    for (const std::string& name : NamesIn(descriptors)) {
      struct stat info {};
      if (stat((descriptors + "/" + name).c_str(), &info) != 0) continue;
      if (info.st_dev != file.st_dev || info.st_ino != file.st_ino) continue;
      holders.push_back(ProcessOf(pid));
      break;
    }
  }
  return holders;
}

LockHolder ProcessOf(int pid) {
  LockHolder holder;
  holder.pid = pid;
  holder.name = NameOf(pid);
  return holder;
}

uint64_t StartTimeOf(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  // "pid (name) state ppid ...": the name may hold anything, so count from its closing bracket.
  // Field 22.
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) fields >> field;
  return std::strtoull(field.c_str(), nullptr, 10);
}

std::string Describe(const LockHolder& holder) {
  if (holder.pid == getpid()) return "this process";
  // An open-file lock, or a process of another pid namespace.
  if (holder.pid <= 0) return "a process that Linux does not name";
  std::string text = "pid " + std::to_string(holder.pid);
  if (!holder.name.empty()) text += " (" + holder.name + ")";
  return text;
}

}  // namespace sluice
