// SPDX-License-Identifier: Apache-2.0
#include "sqlite/read_only.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <sqlite3.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/units.h"
#include "sqlite/profile.h"

namespace sluice {
namespace {

// Functions that would reach out of the database. Most are not linked here; a system SQLite may
// have them.
constexpr const char* kForbiddenFunctions[] = {
    "edit", "fts3_tokenizer", "fsdir", "load_extension", "lsmode", "readfile", "writefile"};

// PRAGMAs that tell something of what their argument names.
constexpr const char* kTellingPragmas[] = {
    "collation_list",   "compile_options", "database_list", "foreign_key_check",
    "foreign_key_list", "function_list",   "index_info",    "index_list",
    "index_xinfo",      "integrity_check", "module_list",   "pragma_list",
    "quick_check",      "table_info",      "table_list",    "table_xinfo"};

// PRAGMAs that tell without an argument, and would set with one.
constexpr const char* kTellingWithoutArgument[] = {
    "application_id",     "auto_vacuum",  "busy_timeout",   "cache_size",     "cache_spill",
    "data_version",       "encoding",     "foreign_keys",   "freelist_count", "journal_mode",
    "journal_size_limit", "locking_mode", "max_page_count", "mmap_size",      "page_count",
    "page_size",          "query_only",   "schema_version", "secure_delete",  "synchronous",
    "temp_store",         "threads",      "trusted_schema", "user_version",   "wal_autocheckpoint"};

template <size_t Size>
bool Among(const char* name, const char* const (&names)[Size]) {
  return name != nullptr && std::ranges::any_of(names, [name](const char* candidate) {
           return strcasecmp(name, candidate) == 0;
         });
}

int Authorize(void*, int action, const char* first, const char* second, const char*, const char*) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_FUNCTION:
      return Among(second, kForbiddenFunctions) ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA:
      if (Among(first, kTellingPragmas)) return SQLITE_OK;
      return second == nullptr && Among(first, kTellingWithoutArgument) ? SQLITE_OK : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

// Instructions of SQLite's machine between two looks at the clock: some 10 microseconds.
constexpr int kInstructions = 1000;

bool MayWrite(const std::string& path) { return access(path.c_str(), W_OK) == 0; }

// By the header, read through SQLite's own file handle (I10).
bool IsInWalMode(const Connection& connection) {
  constexpr sqlite3_int64 kReadVersion = 19;
  constexpr char kWal = 2;
  sqlite3_file* file = nullptr;
  sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  char version = 0;
  return file != nullptr && file->pMethods != nullptr &&
         file->pMethods->xRead(file, &version, 1, kReadVersion) == SQLITE_OK && version == kWal;
}

// Of a database that we may not write: without locks, or nothing if it need not be read so.
std::optional<Connection> OpenFrozen(const std::string& path, OpenOptions options) {
  options.mode = OpenOptions::Mode::kFrozen;
  Result<Connection> connection = Connection::Open(path, options);
  if (!connection || !IsInWalMode(*connection)) return std::nullopt;
  return std::move(*connection);
}

}  // namespace

Result<Connection> OpenForReading(const std::string& path, const OpenOptions& options) {
  OpenOptions chosen = options;
  chosen.mode = OpenOptions::Mode::kReadOnly;
  const Result<std::string> file = CanonicalPath(path);
  if (!file) return Connection::Open(path, chosen);  // which says what is wrong with it

  const Result<FileInfo> wal = Stat(*file + "-wal");
  const bool wal_has_content = wal && wal->size > 0;
  const bool shm_is_there = Exists(*file + "-shm");
  if (wal_has_content && shm_is_there) return Connection::Open(path, chosen);

  if (MayWrite(*file) && MayWrite(DirectoryOf(*file))) {
    chosen.mode = OpenOptions::Mode::kReadWrite;
    return Connection::Open(path, chosen);
  }
  if (!wal_has_content && !(wal && shm_is_there)) {
    if (std::optional<Connection> frozen = OpenFrozen(path, chosen)) return std::move(*frozen);
  }
  return Connection::Open(path, chosen);
}

Result<Connection> OpenReadOnly(const std::string& path, const ReadOnlyOptions& options) {
  Result<Connection> connection = OpenForReading(path, {.wait = {.longest = options.busy_timeout}});
  if (!connection) return connection;
  if (Status status = Apply(*connection, ReadOnlyProfile(options.cache_bytes)); !status.ok()) {
    return Error(status);
  }
  sqlite3* db = connection->handle();
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_set_authorizer(db, Authorize, nullptr);
  return connection;
}

TimeLimit::TimeLimit(Connection& connection, std::chrono::milliseconds limit, const StopToken* stop)
    : connection_(connection), limit_(limit), stop_(stop) {
  Restart();
  sqlite3_progress_handler(connection_.handle(), kInstructions, OnProgress, this);
}

TimeLimit::~TimeLimit() {
  if (connection_.handle() != nullptr) {
    sqlite3_progress_handler(connection_.handle(), 0, nullptr, nullptr);
  }
}

void TimeLimit::Restart() {
  until_ = std::chrono::steady_clock::now() + limit_;
  expired_ = false;
}

bool TimeLimit::expired() const { return expired_; }

int TimeLimit::OnProgress(void* self) {
  auto* limit = static_cast<TimeLimit*>(self);
  if (limit->stop_ != nullptr && limit->stop_->stopped()) return 1;
  if (limit->limit_.count() == 0 || std::chrono::steady_clock::now() < limit->until_) return 0;
  limit->expired_ = true;
  return 1;
}

Status TimeLimit::Explain(const Status& status) const {
  if (status.code() != StatusCode::kCancelled || !expired_) return status;
  return {StatusCode::kCancelled, "the query did not end within " + FormatDuration(limit_),
          "give it more time (--time-limit), a LIMIT, or an index"};
}

}  // namespace sluice
