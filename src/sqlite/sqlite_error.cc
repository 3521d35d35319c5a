// SPDX-License-Identifier: Apache-2.0
#include "sqlite/sqlite_error.h"

#include <cerrno>
#include <cstring>

#include <sqlite3.h>

#include "sqlite/connection.h"
#include "sqlite/lock_holders.h"

namespace sluice {
namespace {

struct CodeName {
  int code;
  const char* name;
};

// clang-format off
constexpr CodeName kNames[] = {
    {SQLITE_ERROR, "SQLITE_ERROR"},           {SQLITE_INTERNAL, "SQLITE_INTERNAL"},
    {SQLITE_PERM, "SQLITE_PERM"},             {SQLITE_ABORT, "SQLITE_ABORT"},
    {SQLITE_BUSY, "SQLITE_BUSY"},             {SQLITE_LOCKED, "SQLITE_LOCKED"},
    {SQLITE_NOMEM, "SQLITE_NOMEM"},           {SQLITE_READONLY, "SQLITE_READONLY"},
    {SQLITE_INTERRUPT, "SQLITE_INTERRUPT"},   {SQLITE_IOERR, "SQLITE_IOERR"},
    {SQLITE_CORRUPT, "SQLITE_CORRUPT"},       {SQLITE_NOTFOUND, "SQLITE_NOTFOUND"},
    {SQLITE_FULL, "SQLITE_FULL"},             {SQLITE_CANTOPEN, "SQLITE_CANTOPEN"},
    {SQLITE_PROTOCOL, "SQLITE_PROTOCOL"},     {SQLITE_SCHEMA, "SQLITE_SCHEMA"},
    {SQLITE_TOOBIG, "SQLITE_TOOBIG"},         {SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT"},
    {SQLITE_MISMATCH, "SQLITE_MISMATCH"},     {SQLITE_MISUSE, "SQLITE_MISUSE"},
    {SQLITE_NOLFS, "SQLITE_NOLFS"},           {SQLITE_AUTH, "SQLITE_AUTH"},
    {SQLITE_RANGE, "SQLITE_RANGE"},           {SQLITE_NOTADB, "SQLITE_NOTADB"},
    {SQLITE_BUSY_RECOVERY, "SQLITE_BUSY_RECOVERY"},
    {SQLITE_BUSY_SNAPSHOT, "SQLITE_BUSY_SNAPSHOT"},
    {SQLITE_CANTOPEN_ISDIR, "SQLITE_CANTOPEN_ISDIR"},
    {SQLITE_CANTOPEN_SYMLINK, "SQLITE_CANTOPEN_SYMLINK"},
    {SQLITE_CONSTRAINT_CHECK, "SQLITE_CONSTRAINT_CHECK"},
    {SQLITE_CONSTRAINT_DATATYPE, "SQLITE_CONSTRAINT_DATATYPE"},
    {SQLITE_CONSTRAINT_FOREIGNKEY, "SQLITE_CONSTRAINT_FOREIGNKEY"},
    {SQLITE_CONSTRAINT_NOTNULL, "SQLITE_CONSTRAINT_NOTNULL"},
    {SQLITE_CONSTRAINT_PRIMARYKEY, "SQLITE_CONSTRAINT_PRIMARYKEY"},
    {SQLITE_CONSTRAINT_ROWID, "SQLITE_CONSTRAINT_ROWID"},
    {SQLITE_CONSTRAINT_TRIGGER, "SQLITE_CONSTRAINT_TRIGGER"},
    {SQLITE_CONSTRAINT_UNIQUE, "SQLITE_CONSTRAINT_UNIQUE"},
    {SQLITE_CORRUPT_INDEX, "SQLITE_CORRUPT_INDEX"},
    {SQLITE_IOERR_ACCESS, "SQLITE_IOERR_ACCESS"},
    {SQLITE_IOERR_CLOSE, "SQLITE_IOERR_CLOSE"},
    {SQLITE_IOERR_CORRUPTFS, "SQLITE_IOERR_CORRUPTFS"},
    {SQLITE_IOERR_DATA, "SQLITE_IOERR_DATA"},
    {SQLITE_IOERR_DELETE, "SQLITE_IOERR_DELETE"},
    {SQLITE_IOERR_DIR_FSYNC, "SQLITE_IOERR_DIR_FSYNC"},
    {SQLITE_IOERR_FSTAT, "SQLITE_IOERR_FSTAT"},
    {SQLITE_IOERR_FSYNC, "SQLITE_IOERR_FSYNC"},
    {SQLITE_IOERR_LOCK, "SQLITE_IOERR_LOCK"},
    {SQLITE_IOERR_MMAP, "SQLITE_IOERR_MMAP"},
    {SQLITE_IOERR_NOMEM, "SQLITE_IOERR_NOMEM"},
    {SQLITE_IOERR_RDLOCK, "SQLITE_IOERR_RDLOCK"},
    {SQLITE_IOERR_READ, "SQLITE_IOERR_READ"},
    {SQLITE_IOERR_SHMLOCK, "SQLITE_IOERR_SHMLOCK"},
    {SQLITE_IOERR_SHMMAP, "SQLITE_IOERR_SHMMAP"},
    {SQLITE_IOERR_SHMOPEN, "SQLITE_IOERR_SHMOPEN"},
    {SQLITE_IOERR_SHMSIZE, "SQLITE_IOERR_SHMSIZE"},
    {SQLITE_IOERR_SHORT_READ, "SQLITE_IOERR_SHORT_READ"},
    {SQLITE_IOERR_TRUNCATE, "SQLITE_IOERR_TRUNCATE"},
    {SQLITE_IOERR_UNLOCK, "SQLITE_IOERR_UNLOCK"},
    {SQLITE_IOERR_WRITE, "SQLITE_IOERR_WRITE"},
    {SQLITE_READONLY_CANTINIT, "SQLITE_READONLY_CANTINIT"},
    {SQLITE_READONLY_CANTLOCK, "SQLITE_READONLY_CANTLOCK"},
    {SQLITE_READONLY_DBMOVED, "SQLITE_READONLY_DBMOVED"},
    {SQLITE_READONLY_DIRECTORY, "SQLITE_READONLY_DIRECTORY"},
    {SQLITE_READONLY_RECOVERY, "SQLITE_READONLY_RECOVERY"},
    {SQLITE_READONLY_ROLLBACK, "SQLITE_READONLY_ROLLBACK"},
};
// clang-format on

const char* FindName(int code) {
  for (const CodeName& entry : kNames) {
    if (entry.code == code) return entry.name;
  }
  return nullptr;
}

// " (held by pid 12 (python3))", or nothing where nobody is known.
std::string HeldBy(const std::string& path) {
  std::string text;
  for (const LockHolder& holder : LockHoldersOf(path)) {
    if (!holder.writes && !holder.reads) continue;
    text += text.empty() ? ", held by " : " and ";
    text += Describe(holder);
  }
  return text;
}

bool NoSpace(sqlite3* db, int code) {
  if ((code & 0xff) == SQLITE_FULL) return true;
  if ((code & 0xff) != SQLITE_IOERR || db == nullptr) return false;
  const int error = sqlite3_system_errno(db);
  return error == ENOSPC || error == EDQUOT;
}

Status Classify(sqlite3* db, int code, const std::string& path, std::string message) {
  if (NoSpace(db, code)) {
    return {
        StatusCode::kFull, std::move(message),
        "free space on the disk of " + path + ", or move the database; what was committed is safe"};
  }
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {StatusCode::kBusy, std::move(message) + HeldBy(path),
              "wait until the other program is done, or give it more time (--wait)"};
    case SQLITE_READONLY:
      return Status::Io(
          std::move(message),
          code == SQLITE_READONLY_DBMOVED
              ? "the file was renamed or removed while it was open: run again"
              : "check the permissions of " + path +
                    ", of its directory, and whether the file system is mounted read-only");
    case SQLITE_NOTADB:
      return Status::Corruption(
          std::move(message),
          "check the path: this file is no SQLite database (or it is encrypted)");
    case SQLITE_CORRUPT:
      return Status::Corruption(
          std::move(message),
          "restore it from a backup, or save what can be read: sqlite3 " + path + " .recover");
    case SQLITE_CANTOPEN:
      return Status::Io(
          std::move(message),
          "check that " + path +
              " and its directory exist and may be read and written (a WAL database needs a "
              "writable directory even to be read)");
    case SQLITE_NOMEM:
      return Status::Io(std::move(message), "give less memory to the cache (--cache, --memory)");
    case SQLITE_CONSTRAINT:
      return {StatusCode::kConstraint, std::move(message)};
    case SQLITE_TOOBIG:
      return {StatusCode::kConstraint, std::move(message),
              "SQLite takes texts and blobs of up to 1,000,000,000 bytes"};
    case SQLITE_INTERRUPT:
      return {StatusCode::kCancelled, std::move(message)};
    case SQLITE_AUTH:
      return Status::Usage(std::move(message),
                           "only reading is allowed here; the sqlite3 shell changes databases");
    case SQLITE_ERROR:
      return Status::Usage(std::move(message));
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_INTERNAL:
      return Status::Internal(std::move(message));
    default:
      return Status::Io(std::move(message));
  }
}

}  // namespace

std::string SqliteCodeName(int extended_code) {
  if (const char* name = FindName(extended_code)) return name;
  const char* primary = FindName(extended_code & 0xff);
  return std::string(primary == nullptr ? "SQLite" : primary) + " (extended code " +
         std::to_string(extended_code) + ")";
}

Status SqliteErrorAt(const std::string& path, sqlite3* db, int code, std::string_view doing) {
  // The connection knows the code more exactly, where it speaks of the same error.
  if (db != nullptr && (sqlite3_extended_errcode(db) & 0xff) == (code & 0xff)) {
    code = sqlite3_extended_errcode(db);
  }
  const bool same = db != nullptr && sqlite3_extended_errcode(db) == code;
  std::string message = path.empty() ? "" : path + ": ";
  message += doing;
  message += ": ";
  message += same ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  message += " (" + SqliteCodeName(code) + ")";
  if (const int error = db == nullptr ? 0 : sqlite3_system_errno(db);
      error != 0 && ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN)) {
    message += std::string(", the system says: ") + std::strerror(error);
  }
  return Classify(db, code, path, std::move(message));
}

Status SqliteError(sqlite3* db, int code, std::string_view doing) {
  const char* path = db == nullptr ? nullptr : sqlite3_db_filename(db, "main");
  return SqliteErrorAt(path == nullptr ? "" : path, db, code, doing);
}

bool IsFailedSync(int code) { return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC; }

Status CondemnedConnection(sqlite3* db) {
  const char* path = sqlite3_db_filename(db, "main");
  return Status::Io(
      std::string(path == nullptr ? "" : path) +
          ": a commit or sync failed before, so nothing more is written through this connection",
      "mend what the first error named and run again; what was committed is safe");
}

}  // namespace sluice
