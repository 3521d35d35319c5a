// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace sluice {

// Bytes that SQLite has handed to the system in this process, through connections on the counting
// VFS. They are counted at the write call, so they hold on tmpfs too, where the kernel's own
// counters stay at 0. The `-shm` file is mapped, not written, and not counted. base's
// BytesWritten() has these bytes too, with File's.
struct SqliteBytes {
  uint64_t database = 0;
  uint64_t wal = 0;
  uint64_t journal = 0;    // rollback journals, of statements too
  uint64_t temporary = 0;  // spilled sorts, temporary tables

  uint64_t total() const { return database + wal + journal + temporary; }
};

// Since the process began. Threads: any; take the difference of two calls.
SqliteBytes SqliteBytesWritten();

// The name of the counting VFS, registered by the first call; never null.
//
// It lies over whatever VFS is SQLite's default at the moment a file is opened (so a test makes its
// faulty VFS the default, and every connection of the program goes through it), and hands all calls
// through, those of WAL included. Price: two relaxed atomic additions a write.
const char* CountingVfsName();

}  // namespace sluice
