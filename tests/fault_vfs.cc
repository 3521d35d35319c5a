// SPDX-License-Identifier: Apache-2.0
#include "fault_vfs.h"

#include <algorithm>
#include <atomic>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "power_loss.h"

namespace sluice {
namespace {

struct CallInfo {
  const char* name;
  int usual_fault;
};
constexpr CallInfo kCalls[] = {
    {"open", SQLITE_CANTOPEN},          {"delete", SQLITE_IOERR_DELETE},
    {"access", SQLITE_IOERR_ACCESS},    {"read", SQLITE_IOERR_READ},
    {"write", SQLITE_IOERR_WRITE},      {"truncate", SQLITE_IOERR_TRUNCATE},
    {"sync", SQLITE_IOERR_FSYNC},       {"file size", SQLITE_IOERR_FSTAT},
    {"lock", SQLITE_IOERR_LOCK},        {"shm map", SQLITE_IOERR_SHMMAP},
    {"shm lock", SQLITE_IOERR_SHMLOCK},
};
static_assert(std::size(kCalls) == kVfsCalls);

// What SQLite allocates: our head, and behind it the file of the VFS below.
struct FaultFile {
  sqlite3_file base;
  FaultVfs* vfs;
  const char* path;  // SQLite keeps it while the file is open; null for a temporary file
  int open_flags;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  std::string_view name() const { return path == nullptr ? std::string_view() : path; }
};
static_assert(sizeof(FaultFile) % alignof(std::max_align_t) == 0);

FaultFile* Self(sqlite3_file* file) { return reinterpret_cast<FaultFile*>(file); }
FaultVfs* Owner(sqlite3_vfs* vfs) { return static_cast<FaultVfs*>(vfs->pAppData); }

PowerLossLog* LogFor(FaultFile* file) { return file->path == nullptr ? nullptr : file->vfs->log(); }

int Close(sqlite3_file* file) {
  sqlite3_file* real = Self(file)->real();
  const int code = real->pMethods->xClose(real);
  FaultFile* self = Self(file);
  if (code == SQLITE_OK && (self->open_flags & SQLITE_OPEN_DELETEONCLOSE) != 0) {
    if (PowerLossLog* log = LogFor(self)) log->Removed(self->path);
  }
  return code;
}

int Read(sqlite3_file* file, void* to, int size, sqlite3_int64 at) {
  if (const int code = Self(file)->vfs->Strike(VfsCall::kRead, Self(file)->name())) return code;
  sqlite3_file* real = Self(file)->real();
  return real->pMethods->xRead(real, to, size, at);
}

int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
  FaultFile* self = Self(file);
  const int failure = self->vfs->Strike(VfsCall::kWrite, self->name());
  const int written = failure == 0 ? size : self->vfs->HalfWritten() ? size / 2 : 0;
  sqlite3_file* real = self->real();
  if (written > 0) {
    const int code = real->pMethods->xWrite(real, bytes, written, at);
    if (code != SQLITE_OK) return code;
    if (PowerLossLog* log = LogFor(self)) {
      log->Written(self->path, static_cast<uint64_t>(at),
                   {static_cast<const char*>(bytes), static_cast<size_t>(written)});
    }
  }
  return failure;
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  FaultFile* self = Self(file);
  if (const int code = self->vfs->Strike(VfsCall::kTruncate, self->name())) return code;
  const int code = self->real()->pMethods->xTruncate(self->real(), size);
  if (code == SQLITE_OK) {
    if (PowerLossLog* log = LogFor(self)) log->Truncated(self->path, static_cast<uint64_t>(size));
  }
  return code;
}

int Sync(sqlite3_file* file, int /*flags*/) {
  FaultFile* self = Self(file);
  if (const int code = self->vfs->Strike(VfsCall::kSync, self->name())) return code;
  // The disk of a test need not be synced: what a power cut would leave is replayed from the log.
  PowerLossLog* log = LogFor(self);
  if (log == nullptr) return SQLITE_OK;
  log->Synced(self->path);
  // The unix VFS syncs the directory, too, when it syncs a journal or WAL that it made.
  constexpr int kWithDirectory = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
  if ((self->open_flags & kWithDirectory) != 0) log->DirectorySynced();
  return SQLITE_OK;
}

int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  if (const int code = Self(file)->vfs->Strike(VfsCall::kFileSize, Self(file)->name())) return code;
  return Self(file)->real()->pMethods->xFileSize(Self(file)->real(), size);
}

int Lock(sqlite3_file* file, int level) {
  if (const int code = Self(file)->vfs->Strike(VfsCall::kLock, Self(file)->name())) return code;
  return Self(file)->real()->pMethods->xLock(Self(file)->real(), level);
}

int ShmMap(sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
  if (const int code = Self(file)->vfs->Strike(VfsCall::kShmMap, Self(file)->name())) return code;
  return Self(file)->real()->pMethods->xShmMap(Self(file)->real(), region, size, extend, memory);
}

int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  // SQLite does not look at what an unlock returns.
  if ((flags & SQLITE_SHM_UNLOCK) == 0) {
    if (const int code = Self(file)->vfs->Strike(VfsCall::kShmLock, Self(file)->name()))
      return code;
  }
  return Self(file)->real()->pMethods->xShmLock(Self(file)->real(), offset, count, flags);
}

template <auto Member>
struct Through;
template <typename Return, typename... Arguments,
          Return (*sqlite3_io_methods::*Member)(sqlite3_file*, Arguments...)>
struct Through<Member> {
  static Return Call(sqlite3_file* file, Arguments... arguments) {
    sqlite3_file* real = Self(file)->real();
    return (real->pMethods->*Member)(real, arguments...);
  }
};

constexpr sqlite3_io_methods MakeMethods() {
  using M = sqlite3_io_methods;
  return {
      .iVersion = 3,
      .xClose = Close,
      .xRead = Read,
      .xWrite = Write,
      .xTruncate = Truncate,
      .xSync = Sync,
      .xFileSize = FileSize,
      .xLock = Lock,
      .xUnlock = Through<&M::xUnlock>::Call,
      .xCheckReservedLock = Through<&M::xCheckReservedLock>::Call,
      .xFileControl = Through<&M::xFileControl>::Call,
      .xSectorSize = Through<&M::xSectorSize>::Call,
      .xDeviceCharacteristics = Through<&M::xDeviceCharacteristics>::Call,
      .xShmMap = ShmMap,
      .xShmLock = ShmLock,
      .xShmBarrier = Through<&M::xShmBarrier>::Call,
      .xShmUnmap = Through<&M::xShmUnmap>::Call,
      .xFetch = Through<&M::xFetch>::Call,
      .xUnfetch = Through<&M::xUnfetch>::Call,
  };
}
constexpr sqlite3_io_methods kMethods = MakeMethods();

int Open(sqlite3_vfs* vfs, sqlite3_filename path, sqlite3_file* file, int flags, int* out_flags) {
  FaultFile* self = Self(file);
  self->base.pMethods = nullptr;
  FaultVfs* owner = Owner(vfs);
  const std::string_view name = path == nullptr ? std::string_view() : path;
  if (const int code = owner->Strike(VfsCall::kOpen, name)) return code;
  sqlite3_file* real = self->real();
  real->pMethods = nullptr;
  int existed = 1;
  if (path != nullptr)
    owner->below()->xAccess(owner->below(), path, SQLITE_ACCESS_EXISTS, &existed);
  const int code = owner->below()->xOpen(owner->below(), path, real, flags, out_flags);
  if (code != SQLITE_OK) {
    if (real->pMethods != nullptr) real->pMethods->xClose(real);
    return code;
  }
  self->vfs = owner;
  self->path = path;
  self->open_flags = flags;
  self->base.pMethods = &kMethods;
  if (existed == 0 && owner->log() != nullptr) owner->log()->Created(path);
  return SQLITE_OK;
}

int Delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  FaultVfs* owner = Owner(vfs);
  if (const int code = owner->Strike(VfsCall::kDelete, path)) return code;
  const int code = owner->below()->xDelete(owner->below(), path, 0);
  if (code == SQLITE_OK && owner->log() != nullptr) {
    owner->log()->Removed(path);
    if (sync_directory != 0) owner->log()->DirectorySynced();
  }
  return code;
}

int Access(sqlite3_vfs* vfs, const char* path, int flags, int* out) {
  FaultVfs* owner = Owner(vfs);
  if (const int code = owner->Strike(VfsCall::kAccess, path)) return code;
  return owner->below()->xAccess(owner->below(), path, flags, out);
}

template <auto Member>
struct Below;
template <typename Return, typename... Arguments,
          Return (*sqlite3_vfs::*Member)(sqlite3_vfs*, Arguments...)>
struct Below<Member> {
  static Return Call(sqlite3_vfs* vfs, Arguments... arguments) {
    sqlite3_vfs* below = Owner(vfs)->below();
    return (below->*Member)(below, arguments...);
  }
};

// --- Allocations

sqlite3_mem_methods real_memory;
std::atomic<uint64_t> allocations_made{0};
std::atomic<uint64_t> failing_allocation{0};  // 0: none
std::atomic<bool> failing_for_good{false};
std::atomic<bool> allocation_failed{false};

bool AllocationFails() {
  const uint64_t number = allocations_made.fetch_add(1) + 1;
  const uint64_t failing = failing_allocation.load();
  if (failing == 0 || number < failing || (number > failing && !failing_for_good.load())) {
    return false;
  }
  allocation_failed.store(true);
  return true;
}

void* Allocate(int size) { return AllocationFails() ? nullptr : real_memory.xMalloc(size); }
void* Reallocate(void* old, int size) {
  return AllocationFails() ? nullptr : real_memory.xRealloc(old, size);
}

void StandBetweenSqliteAndMalloc() {
  EXPECT_EQ(sqlite3_shutdown(), SQLITE_OK);
  EXPECT_EQ(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
  sqlite3_mem_methods ours = real_memory;
  ours.xMalloc = Allocate;
  ours.xRealloc = Reallocate;
  EXPECT_EQ(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours), SQLITE_OK);
  EXPECT_EQ(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK);
  EXPECT_EQ(sqlite3_initialize(), SQLITE_OK);
}

}  // namespace

const char* NameOf(VfsCall call) { return kCalls[static_cast<size_t>(call)].name; }
int UsualFault(VfsCall call) { return kCalls[static_cast<size_t>(call)].usual_fault; }

FaultVfs::FaultVfs(PowerLossLog* log)
    : log_(log), below_(sqlite3_vfs_find("unix")), vfs_(std::make_unique<sqlite3_vfs>()) {
  vfs_->iVersion = 2;
  vfs_->szOsFile = static_cast<int>(sizeof(FaultFile)) + below_->szOsFile;
  vfs_->mxPathname = below_->mxPathname;
  vfs_->zName = kName;
  vfs_->pAppData = this;
  vfs_->xOpen = Open;
  vfs_->xDelete = Delete;
  vfs_->xAccess = Access;
  vfs_->xFullPathname = Below<&sqlite3_vfs::xFullPathname>::Call;
  vfs_->xRandomness = Below<&sqlite3_vfs::xRandomness>::Call;
  vfs_->xSleep = Below<&sqlite3_vfs::xSleep>::Call;
  vfs_->xCurrentTime = Below<&sqlite3_vfs::xCurrentTime>::Call;
  vfs_->xGetLastError = Below<&sqlite3_vfs::xGetLastError>::Call;
  vfs_->xCurrentTimeInt64 = Below<&sqlite3_vfs::xCurrentTimeInt64>::Call;
  EXPECT_EQ(sqlite3_vfs_find(kName), nullptr) << "one FaultVfs at a time";
  EXPECT_EQ(sqlite3_vfs_register(vfs_.get(), /*makeDflt=*/1), SQLITE_OK);
}

FaultVfs::~FaultVfs() {
  sqlite3_vfs_unregister(vfs_.get());
  sqlite3_vfs_register(below_, /*makeDflt=*/1);
}

void FaultVfs::Fail(const VfsFault& fault) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  armed_ = true;
  fired_ = false;
  dead_ = false;
  matching_ = 0;
  calls_ = {};
  calls_after_ = {};
}

void FaultVfs::Heal() {
  const std::lock_guard lock(mutex_);
  armed_ = false;
  dead_ = false;
}

bool FaultVfs::fired() const {
  const std::lock_guard lock(mutex_);
  return fired_;
}

uint64_t FaultVfs::calls(VfsCall call) const {
  const std::lock_guard lock(mutex_);
  return calls_[static_cast<size_t>(call)];
}

uint64_t FaultVfs::calls_after(VfsCall call) const {
  const std::lock_guard lock(mutex_);
  return calls_after_[static_cast<size_t>(call)];
}

bool FaultVfs::HalfWritten() const {
  const std::lock_guard lock(mutex_);
  return fault_.half_written && !dead_;
}

int FaultVfs::Strike(VfsCall call, std::string_view path) {
  const std::lock_guard lock(mutex_);
  ++calls_[static_cast<size_t>(call)];
  if (fired_) ++calls_after_[static_cast<size_t>(call)];
  if (!armed_) return SQLITE_OK;
  if (dead_) return UsualFault(call);
  if (call != fault_.call || !path.ends_with(fault_.path_suffix)) return SQLITE_OK;
  const bool is_of_thread =
      fault_.thread == std::thread::id() || fault_.thread == std::this_thread::get_id();
  if (!is_of_thread) return SQLITE_OK;
  ++matching_;
  if (matching_ < fault_.nth || (matching_ > fault_.nth && !fault_.lasting)) return SQLITE_OK;
  fired_ = true;
  dead_ = fault_.dead_after;
  return fault_.code == 0 ? UsualFault(call) : fault_.code;
}

SqliteOutOfMemory::SqliteOutOfMemory() {
  static const bool installed = (StandBetweenSqliteAndMalloc(), true);
  static_cast<void>(installed);
}

void SqliteOutOfMemory::FailNth(uint64_t nth, bool lasting) {
  failing_allocation.store(0);
  allocations_made.store(0);
  allocation_failed.store(false);
  failing_for_good.store(lasting);
  failing_allocation.store(nth);
}

void SqliteOutOfMemory::Heal() { failing_allocation.store(0); }
bool SqliteOutOfMemory::fired() const { return allocation_failed.load(); }
uint64_t SqliteOutOfMemory::allocations() const { return allocations_made.load(); }

}  // namespace sluice
