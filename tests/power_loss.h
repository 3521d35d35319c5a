// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace sluice {

// What was done to the files of one directory, so that a test can put on the disk what a power cut
// would have left there, at any moment.
//
//   PowerLossLog log(folder.path());
//   {
//     FaultVfs vfs(&log);                        // what goes through SQLite
//     ScopedFileHook hook(log.FileHookOf());     // what goes through File
//     TheThing(folder);                          // may ask log.position() when something was
//     acknowledged
//   }
//   for (size_t position : log.SyncPositions()) {
//     for (uint32_t seed = 0; seed < 10; ++seed) {
//       log.Replay(position, seed, elsewhere.path());
//       ... open, check, resume; what was acknowledged before `position` must be there
//     }
//   }
//
// The model of the disk. What a file held at its last sync is safe. Writes and truncations after it
// have each reached the disk or not, whatever their order, and one of them may be torn at a sector
// of 512 bytes. Names (made, removed, renamed) are safe with the next sync of the directory; those
// after it have reached the disk up to some point of their order. A file whose name is safe and
// which was never synced holds any part of what was written to it. -shm files are memory, and gone.
//
// Limits: one directory, without folders in it; keeps all that is written in memory, so for small
// runs. Threads: any may log; Replay when all is done.
class PowerLossLog {
 public:
  // What is in the directory now counts as safe.
  explicit PowerLossLog(std::string directory);

  // Feeds this log with the calls of File. Give it to a ScopedFileHook.
  FileHook FileHookOf();

  void Created(std::string_view path);
  void Written(std::string_view path, uint64_t offset, std::string_view bytes);
  void Truncated(std::string_view path, uint64_t size);
  void Synced(std::string_view path);
  void Renamed(std::string_view from, std::string_view to);
  void Removed(std::string_view path);
  void DirectorySynced();

  // How many operations are logged: whatever is acknowledged now must survive a cut at this
  // position or after it.
  size_t position() const;
  // The positions just before each sync of a file or of the directory, and the end.
  std::vector<size_t> SyncPositions() const;

  // Puts into `directory`, which it empties first, what a power cut at `position` may have left.
  // Seed 0: nothing unsynced arrived; seed 1: all of it did; others: by chance, the same for the
  // same seed.
  void Replay(size_t position, uint32_t seed, const std::string& directory) const;

 private:
  struct Operation {
    enum class Kind : uint8_t {
      kCreate,
      kWrite,
      kTruncate,
      kSync,
      kRename,
      kRemove,
      kSyncDirectory
    };
    Kind kind;
    std::string name;
    std::string to = "";     // kRename
    uint64_t offset = 0;     // kWrite; kTruncate: the size
    std::string bytes = "";  // kWrite
  };
  void Log(std::string_view path, Operation operation);

  const std::string directory_;
  std::map<std::string, std::string> initial_;
  mutable std::mutex mutex_;
  std::vector<Operation> operations_;  // guarded by mutex_
};

}  // namespace sluice
