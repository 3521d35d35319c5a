// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

// A process that holds SQLite's locks on a database.
struct LockHolder {
  int pid = 0;
  std::string name;  // of the process
  bool writes =
      false;  // the write lock: of the WAL, or RESERVED and above in a rollback-journal database
  bool reads = false;  // a read mark, which pins the WAL; or SHARED in a rollback-journal database
  bool connected = false;  // has a connection open that has read at least once
};

// Who holds locks on the database or its -shm, by /proc/locks. The byte ranges are those of
// SQLite's own locking protocol.
//
// The files are only stat()ed, never opened (I10). Limits: Linux; empty where /proc is hidden;
// processes of other pid namespaces, and locks over a network, are not seen. So it explains; it
// never decides whether something is safe.
std::vector<LockHolder> LockHoldersOf(const std::string& database_path);

// Other processes that have the file open, by /proc/<pid>/fd: also those that hold no lock at the
// moment. Limits: as above, and only processes that we may look into: our user's, or all for root.
std::vector<LockHolder> ProcessesWithOpen(const std::string& path);

// The process of that pid, with its name; no locks.
LockHolder ProcessOf(int pid);

// When the process began, in clock ticks since the machine did; 0 where there is no such process.
// With the pid it names a process once and for all, for pids are used again.
uint64_t StartTimeOf(int pid);

// "pid 123 (python3)"; "this process" for our own.
std::string Describe(const LockHolder& holder);

}  // namespace sluice
