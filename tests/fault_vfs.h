// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

struct sqlite3_vfs;

namespace sluice {

class PowerLossLog;

// The calls of a VFS that can be made to fail.
enum class VfsCall : uint8_t {
  kOpen,
  kDelete,
  kAccess,
  kRead,
  kWrite,
  kTruncate,
  kSync,
  kFileSize,
  kLock,
  kShmMap,
  kShmLock,
};
inline constexpr size_t kVfsCalls = 11;
const char* NameOf(VfsCall call);
// What SQLite's own unix VFS would return: SQLITE_IOERR_READ for kRead, and so on.
int UsualFault(VfsCall call);

// One failure: the `nth` of these calls since it was set, and all after it where it is `lasting`.
struct VfsFault {
  VfsCall call = VfsCall::kWrite;
  uint64_t nth = 1;
  int code = 0;                  // 0 is UsualFault(call); SQLITE_FULL for a full disk
  bool lasting = false;          // a disk that stays full
  bool half_written = false;     // kWrite: the first half of the bytes gets there
  bool dead_after = false;       // from then on all calls fail, as if the process had been killed
  std::string path_suffix = "";  // only files whose name ends so: "-wal"
  std::thread::id thread = {};   // only calls of this one, where it is one
};

// A VFS over SQLite's unix VFS that counts, fails and logs calls. It passes all on but syncs, which
// cost a test its time and give it nothing.
//
// While it lives it is SQLite's default VFS, and so lies under every connection that the program
// opens, for the counting VFS of the sqlite room passes on to the default one. No test needs a hook
// in the code under test. For the calls that do not go through SQLite there is ScopedFileHook of
// base/file.h.
//
//   A sweep: fail the n-th call, for every n until a run comes through unharmed.
//
//     for (uint64_t n = 1;; ++n) {
//       TemporaryDirectory folder;
//       FaultVfs vfs;
//       vfs.Fail({.call = VfsCall::kSync, .nth = n});
//       Status status = TheThing(folder);
//       vfs.Heal();
//       EXPECT_TRUE(vfs.fired() ? ItEndedWellOrSaidSo(status) : status.ok());
//       EXPECT_TRUE(DatabaseIsSound(folder));
//       if (!vfs.fired()) break;
//     }
//
// Lifetime: all connections opened meanwhile are closed before it goes. One at a time.
// Threads: any may make calls; Fail and Heal from any.
class FaultVfs {
 public:
  static constexpr const char* kName = "sluice-fault";

  // With `log`, which outlives it, every write and sync is logged as well.
  explicit FaultVfs(PowerLossLog* log = nullptr);
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  // Replaces the fault set before, and counts from 1 again.
  void Fail(const VfsFault& fault);
  // No more faults.
  void Heal();

  // Whether the fault has struck.
  bool fired() const;
  // Calls since the last Fail(), or since the beginning.
  uint64_t calls(VfsCall call) const;
  // Calls after the fault struck.
  uint64_t calls_after(VfsCall call) const;

  // For the functions that SQLite calls. The code to fail with, or 0 (SQLITE_OK).
  int Strike(VfsCall call, std::string_view path);
  bool HalfWritten() const;
  PowerLossLog* log() const { return log_; }
  sqlite3_vfs* below() const { return below_; }

 private:
  PowerLossLog* const log_;
  sqlite3_vfs* const below_;
  std::unique_ptr<sqlite3_vfs> vfs_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  VfsFault fault_;
  bool armed_ = false;
  bool fired_ = false;
  bool dead_ = false;
  uint64_t matching_ = 0;  // calls that the fault could have struck
  std::array<uint64_t, kVfsCalls> calls_{};
  std::array<uint64_t, kVfsCalls> calls_after_{};  // the fault struck
};

// Makes SQLite's n-th allocation fail, once or for good.
//
// The first one made in the process puts itself between SQLite and malloc, which needs
// sqlite3_shutdown(): no connection may be open then. It also takes away lookaside, so that every
// allocation is seen. Allocations of C++ are not touched. Threads: counts those of all threads.
class SqliteOutOfMemory {
 public:
  SqliteOutOfMemory();
  ~SqliteOutOfMemory() { Heal(); }
  SqliteOutOfMemory(const SqliteOutOfMemory&) = delete;
  SqliteOutOfMemory& operator=(const SqliteOutOfMemory&) = delete;

  // Counts from 1.
  void FailNth(uint64_t nth, bool lasting = false);
  void Heal();
  bool fired() const;
  uint64_t allocations() const;  // since the last FailNth()
};

}  // namespace sluice
