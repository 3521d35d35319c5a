// SPDX-License-Identifier: Apache-2.0
#include "sqlite/counting_vfs.h"

#include <algorithm>
#include <atomic>

#include <sqlite3.h>

#include "base/file.h"

namespace sluice {
namespace {

using Counter = std::atomic<uint64_t>;
Counter database_bytes, wal_bytes, journal_bytes, temporary_bytes;

Counter* CounterFor(int open_flags) {
  if (open_flags & SQLITE_OPEN_MAIN_DB) return &database_bytes;
  if (open_flags & SQLITE_OPEN_WAL) return &wal_bytes;
  if (open_flags & (SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_TRANSIENT_DB | SQLITE_OPEN_TEMP_JOURNAL)) {
    return &temporary_bytes;
  }
  return &journal_bytes;
}

// What SQLite allocates for us: the head that it knows, then ours. The file below is allocated
// apart, because its size depends on the VFS that is the default when it is opened.
struct CountedFile {
  sqlite3_file base;
  sqlite3_file* real;
  Counter* counter;
};

sqlite3_file* Real(sqlite3_file* file) { return reinterpret_cast<CountedFile*>(file)->real; }

int Close(sqlite3_file* file) {
  sqlite3_file* real = Real(file);
  const int code = real->pMethods->xClose(real);
  sqlite3_free(real);
  return code;
}

int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
  const auto* counted = reinterpret_cast<CountedFile*>(file);
  const int code = counted->real->pMethods->xWrite(counted->real, bytes, size, at);
  if (code == SQLITE_OK) {
    counted->counter->fetch_add(static_cast<uint64_t>(size), std::memory_order_relaxed);
    AddBytesWritten(static_cast<uint64_t>(size));
  }
  return code;
}

// The rest goes through as it is. `Through<&sqlite3_io_methods::xSync>::Call` is a function of
// xSync's own type.
template <auto Member>
struct Through;
template <typename Return, typename... Arguments,
          Return (*sqlite3_io_methods::*Member)(sqlite3_file*, Arguments...)>
struct Through<Member> {
  static Return Call(sqlite3_file* file, Arguments... arguments) {
    sqlite3_file* real = Real(file);
    return (real->pMethods->*Member)(real, arguments...);
  }
};

int FileControl(sqlite3_file* file, int operation, void* argument) {
  const int code = Through<&sqlite3_io_methods::xFileControl>::Call(file, operation, argument);
  if (operation == SQLITE_FCNTL_VFSNAME && code == SQLITE_OK) {
    char** name = static_cast<char**>(argument);
    *name = sqlite3_mprintf("sluice-counting/%z", *name);
  }
  return code;
}

constexpr sqlite3_io_methods MethodsOfVersion(int version) {
  using M = sqlite3_io_methods;
  M methods{};
  methods.iVersion = version;
  methods.xClose = Close;
  methods.xRead = Through<&M::xRead>::Call;
  methods.xWrite = Write;
  methods.xTruncate = Through<&M::xTruncate>::Call;
  methods.xSync = Through<&M::xSync>::Call;
  methods.xFileSize = Through<&M::xFileSize>::Call;
  methods.xLock = Through<&M::xLock>::Call;
  methods.xUnlock = Through<&M::xUnlock>::Call;
  methods.xCheckReservedLock = Through<&M::xCheckReservedLock>::Call;
  methods.xFileControl = FileControl;
  methods.xSectorSize = Through<&M::xSectorSize>::Call;
  methods.xDeviceCharacteristics = Through<&M::xDeviceCharacteristics>::Call;
  if (version >= 2) {
    methods.xShmMap = Through<&M::xShmMap>::Call;
    methods.xShmLock = Through<&M::xShmLock>::Call;
    methods.xShmBarrier = Through<&M::xShmBarrier>::Call;
    methods.xShmUnmap = Through<&M::xShmUnmap>::Call;
  }
  if (version >= 3) {
    methods.xFetch = Through<&M::xFetch>::Call;
    methods.xUnfetch = Through<&M::xUnfetch>::Call;
  }
  return methods;
}

// We promise no more than the file below keeps.
constexpr sqlite3_io_methods kMethods[] = {MethodsOfVersion(1), MethodsOfVersion(2),
                                           MethodsOfVersion(3)};

sqlite3_vfs* Default() { return sqlite3_vfs_find(nullptr); }

int Open(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
  auto* counted = reinterpret_cast<CountedFile*>(file);
  counted->base.pMethods = nullptr;  // nothing to close, should we fail
  sqlite3_vfs* below = Default();
  auto* real = static_cast<sqlite3_file*>(sqlite3_malloc(below->szOsFile));
  if (real == nullptr) return SQLITE_NOMEM;
  real->pMethods = nullptr;
  const int code = below->xOpen(below, name, real, flags, out_flags);
  if (code != SQLITE_OK) {
    if (real->pMethods != nullptr) real->pMethods->xClose(real);
    sqlite3_free(real);
    return code;
  }
  counted->real = real;
  counted->counter = CounterFor(flags);
  counted->base.pMethods = &kMethods[std::clamp(real->pMethods->iVersion, 1, 3) - 1];
  return SQLITE_OK;
}

template <auto Member>
struct Below;
template <typename Return, typename... Arguments,
          Return (*sqlite3_vfs::*Member)(sqlite3_vfs*, Arguments...)>
struct Below<Member> {
  static Return Call(sqlite3_vfs*, Arguments... arguments) {
    sqlite3_vfs* below = Default();
    return (below->*Member)(below, arguments...);
  }
};

sqlite3_vfs MakeVfs() {
  sqlite3_vfs vfs{};
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(CountedFile);
  vfs.mxPathname = Default()->mxPathname;
  vfs.zName = "sluice-counting";
  vfs.xOpen = Open;
  vfs.xDelete = Below<&sqlite3_vfs::xDelete>::Call;
  vfs.xAccess = Below<&sqlite3_vfs::xAccess>::Call;
  vfs.xFullPathname = Below<&sqlite3_vfs::xFullPathname>::Call;
  // No xDlOpen: connections of ours load no extensions.
  vfs.xRandomness = Below<&sqlite3_vfs::xRandomness>::Call;
  vfs.xSleep = Below<&sqlite3_vfs::xSleep>::Call;
  vfs.xCurrentTime = Below<&sqlite3_vfs::xCurrentTime>::Call;
  vfs.xGetLastError = Below<&sqlite3_vfs::xGetLastError>::Call;
  vfs.xCurrentTimeInt64 = Below<&sqlite3_vfs::xCurrentTimeInt64>::Call;
  return vfs;
}

}  // namespace

SqliteBytes SqliteBytesWritten() {
  return {.database = database_bytes.load(std::memory_order_relaxed),
          .wal = wal_bytes.load(std::memory_order_relaxed),
          .journal = journal_bytes.load(std::memory_order_relaxed),
          .temporary = temporary_bytes.load(std::memory_order_relaxed)};
}

const char* CountingVfsName() {
  // Never unregistered: connections may be open until the process ends.
  static sqlite3_vfs* const vfs = [] {
    static sqlite3_vfs made = MakeVfs();
    sqlite3_vfs_register(&made, /*makeDflt=*/0);
    return &made;
  }();
  return vfs->zName;
}

}  // namespace sluice
