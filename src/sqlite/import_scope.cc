// SPDX-License-Identifier: Apache-2.0
#include "sluice/import_scope.hpp"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include <sqlite3.h>
#include <sys/stat.h>

#include "sqlite/background_sync.h"
#include "sqlite/connection.h"
#include "sqlite/lock_holders.h"
#include "sqlite/scope_claim.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Pages that no WAL reaches: SQLite then never checkpoints by itself. 0 would do that too, but it
// is also what `PRAGMA wal_autocheckpoint` says where the application has a WAL hook of its own,
// which setting the PRAGMA would take away. So 0 is left alone at the start, and at the end only
// this very number is replaced.
constexpr int64_t kOutOfReach = 2'000'000'000;

constexpr int64_t kSynchronousOff = 0;
constexpr int64_t kSynchronousNormal = 1;
constexpr int64_t kSynchronousFull = 2;
constexpr int64_t kSynchronousExtra = 3;

constexpr uint64_t kWalFrameHeader = 24;
constexpr uint64_t kTruncatedWal = 4096;

constexpr milliseconds kPollInterval{2};

// In the order in which they are set back. Of the main database, where a PRAGMA is of one.
constexpr const char* kRemembered[] = {"main.cache_size", "main.synchronous", "main.cache_spill",
                                       "main.mmap_size",  "threads",          "wal_autocheckpoint"};

struct Remembered {
  const char* pragma;
  int64_t value;
};

Result<std::string> ReadPragma(sqlite3* db, const std::string& pragma) {
  sqlite3_stmt* statement = nullptr;
  const std::string sql = "PRAGMA " + pragma;
  int code = sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr);
  std::string value;
  if (code == SQLITE_OK) {
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
      value = text == nullptr ? "" : text;
      code = SQLITE_OK;
    } else if (code == SQLITE_DONE) {
      code = SQLITE_OK;
    }
  }
  Status status = code == SQLITE_OK ? Status() : SqliteError(db, code, sql);
  sqlite3_finalize(statement);
  if (!status.ok()) return Error(status);
  return value;
}

Result<int64_t> ReadNumber(sqlite3* db, const std::string& pragma) {
  const Result<std::string> value = ReadPragma(db, pragma);
  if (!value) return Error(value.error());
  return std::strtoll(value->c_str(), nullptr, 10);
}

// Sets it and reads it back: SQLite says nothing of a PRAGMA that it does not carry out.
Status SetPragma(sqlite3* db, const std::string& pragma, int64_t value) {
  const std::string text = std::to_string(value);
  if (const Result<std::string> set = ReadPragma(db, pragma + "=" + text); !set) {
    return set.error();
  }
  const Result<int64_t> now = ReadNumber(db, pragma);
  if (!now) return now.error();
  if (*now != value) {
    return Status::Unsupported(
        "PRAGMA " + pragma + " is " + std::to_string(*now) + " after it was set to " + text,
        "set it by hand on this connection, or close and open the connection");
  }
  return {};
}

}  // namespace

struct ImportScope::State {
  State(sqlite3* connection, ScopeClaim of_connection)
      : db(connection), claim(std::move(of_connection)) {}

  sqlite3* const db;
  const ScopeClaim claim;
  Options options;
  std::vector<Remembered> remembered;
  bool wal = false;
  std::string wal_path;
  uint64_t frame_bytes = 0;

  // What is in the WAL, as far as we know: exact after a checkpoint of ours, and what we wrote
  // since then.
  uint64_t wal_frames = 0;
  int64_t pages_written =
      0;  // by this connection, as SQLite counts, when wal_frames was last brought up to date
  uint64_t next_attempt_bytes = 0;  // size of the WAL at which it is tried to start it anew
  uint64_t checkpoints = 0;

  // Checkpoints ahead of that, with `checkpoint_bytes`: see MoveEarly.
  enum class Early : uint8_t { kIdle, kSyncingWal, kSyncingDatabase };
  Early early = Early::kIdle;
  uint64_t early_begun_bytes = 0;  // size of the WAL when the last one began
  Connection pin;                  // opened when it is first needed
  BackgroundSync sync;

  Status RememberPragmas();
  Status SetPragmas();
  Status RestorePragmas();

  void CountFrames();
  uint64_t wal_bytes() const { return wal_frames * frame_bytes; }
  uint64_t first_attempt_bytes() const {
    return options.checkpoint_bytes == 0 ? options.wal_cap_bytes : options.wal_cap_bytes / 2;
  }
  uint64_t early_step_bytes() const {
    return std::min(options.checkpoint_bytes, options.wal_cap_bytes / 8);
  }
  enum class Checkpointed { kDone, kBusy };
  Result<Checkpointed> Checkpoint(int mode);
  Result<Checkpointed> CheckpointWaiting(int mode, milliseconds wait);
  Result<Checkpointed> TryToStartAnew();
  bool AttemptIsDue() const;
  bool EarlyIsDue() const;
  Status MoveEarly();
  void BeginEarly();
  Status MoveToPin();
  Status EndEarly();
  Status FinishSync();
  bool Pin();
  void Unpin();
  sqlite3_file* FileOf(int file_control) const;
  Status SyncWal();
  std::vector<std::string> PinnedBy() const;
  Result<Report> FinishWal();
};

ImportScope::ImportScope(std::unique_ptr<State> state) : state_(std::move(state)) {}
ImportScope::ImportScope(ImportScope&& other) noexcept = default;

ImportScope::~ImportScope() {
  if (state_ != nullptr) static_cast<void>(End());
}

void ImportScope::Forsake() { state_.reset(); }

Result<ImportScope> ImportScope::Begin(sqlite3* db, const Options& options) {
  if (Status s = CheckOpenedByOurSqlite(db); !s.ok()) return Error(s);
  if (sqlite3_get_autocommit(db) == 0) {
    return Error(Status::Usage("an import cannot begin while the connection has a transaction open",
                               "commit it or roll it back first"));
  }
  Result<ScopeClaim> claim = ScopeClaim::Take(db);
  if (!claim) return Error(claim.error());
  auto state = std::make_unique<State>(db, *std::move(claim));
  state->options = options;

  const Result<std::string> journal = ReadPragma(db, "main.journal_mode");
  if (!journal) return Error(journal.error());
  const Result<int64_t> page_size = ReadNumber(db, "main.page_size");
  if (!page_size) return Error(page_size.error());
  const char* path = sqlite3_db_filename(db, "main");
  state->wal = *journal == "wal";
  state->wal_path = std::string(path == nullptr ? "" : path) + "-wal";
  state->frame_bytes = static_cast<uint64_t>(*page_size) + kWalFrameHeader;
  state->next_attempt_bytes = state->first_attempt_bytes();

  if (Status status = state->RememberPragmas(); !status.ok()) return Error(status);
  if (Status status = state->SetPragmas(); !status.ok()) {
    // Half a scope is none.
    static_cast<void>(state->RestorePragmas());
    return Error(status);
  }
  if (state->wal) {
    // Starts with a WAL as short as may be, and with its exact size.
    if (const auto checkpointed = state->Checkpoint(SQLITE_CHECKPOINT_PASSIVE); !checkpointed) {
      static_cast<void>(state->RestorePragmas());
      return Error(checkpointed.error());
    }
  }
  if (state->wal && options.checkpoint_bytes > 0) {
    // The first sync of a file that SQLite made is one of its directory too, and not for a thread.
    if (Status status = state->SyncWal(); !status.ok()) {
      static_cast<void>(state->RestorePragmas());
      return Error(status);
    }
  }
  return ImportScope(std::move(state));
}

Status ImportScope::State::RememberPragmas() {
  for (const char* pragma : kRemembered) {
    const Result<int64_t> value = ReadNumber(db, pragma);
    if (!value) return value.error();
    remembered.push_back({pragma, *value});
  }
  return {};
}

Status ImportScope::State::SetPragmas() {
  for (const Remembered& was : remembered) {
    const std::string_view pragma = was.pragma;
    std::optional<int64_t> value;
    if (pragma == "main.cache_size") {
      // Negative is KiB, positive is pages.
      const auto page_bytes = static_cast<int64_t>(frame_bytes - kWalFrameHeader);
      const int64_t bytes_now = was.value < 0 ? -was.value * 1024 : was.value * page_bytes;
      const auto wanted = static_cast<int64_t>(options.cache_bytes);
      if (bytes_now < wanted) value = -std::min<int64_t>(wanted / 1024, INT32_MAX);
    } else if (pragma == "main.synchronous") {
      if (wal) {
        value = options.durable ? std::max(was.value, kSynchronousFull) : kSynchronousNormal;
      } else if (options.durable) {
        // Under FULL a power cut may bring back the rollback journal of a commit: its removal is
        // not synced.
        value = kSynchronousExtra;
      } else if (was.value == kSynchronousOff) {
        value = kSynchronousFull;
      }
    } else if (pragma == "wal_autocheckpoint") {
      if (wal && was.value != 0) value = kOutOfReach;
    }
    if (!value || *value == was.value) continue;
    if (Status status = SetPragma(db, was.pragma, *value); !status.ok()) return status;
  }
  return {};
}

// All of them, whatever comes of one: the first failure is the one reported.
Status ImportScope::State::RestorePragmas() {
  Status first;
  for (const Remembered& was : remembered) {
    const Result<int64_t> now = ReadNumber(db, was.pragma);
    Status status = now ? Status() : now.error();
    const bool changed = now && *now != was.value;
    const bool not_ours = std::string_view(was.pragma) == "wal_autocheckpoint" && changed &&
                          *now != kOutOfReach;  // the application changed it meanwhile
    if (changed && !not_ours) status = SetPragma(db, was.pragma, was.value);
    if (first.ok() && !status.ok()) first = status.In("setting the connection back");
  }
  return first;
}

// Asking SQLite for the size of the WAL would be a checkpoint; its file keeps its size when it is
// started anew. So we add up what this connection wrote. What others wrote meanwhile, they
// checkpoint by their own rules.
void ImportScope::State::CountFrames() {
  int written = 0;
  int highest = 0;
  sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_WRITE, &written, &highest, /*resetFlg=*/0);
  const auto since = static_cast<uint32_t>(written) - static_cast<uint32_t>(pages_written);
  wal_frames += since;  // as the counter wraps
  pages_written = written;
}

Result<ImportScope::State::Checkpointed> ImportScope::State::Checkpoint(int mode) {
  int frames = -1;
  int moved = -1;
  const int code = sqlite3_wal_checkpoint_v2(db, "main", mode, &frames, &moved);
  // LOCKED: a statement of this connection is still running.
  const bool busy = (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
  if (code != SQLITE_OK && !busy) return Error(SqliteError(db, code, "checkpoint"));
  CountFrames();
  const bool starts_anew = mode != SQLITE_CHECKPOINT_PASSIVE && !busy;
  if (starts_anew) {
    wal_frames = 0;
  } else if (frames >= 0) {
    wal_frames = static_cast<uint64_t>(frames);
  }
  return busy ? Checkpointed::kBusy : Checkpointed::kDone;
}

// RESTART and TRUNCATE ask the connection's busy handler how long to wait. A plain timeout is set
// aside for ours; a handler of the application's own decides for itself, and may make this longer.
Result<ImportScope::State::Checkpointed> ImportScope::State::CheckpointWaiting(int mode,
                                                                               milliseconds wait) {
  const Result<int64_t> timeout = ReadNumber(db, "busy_timeout");
  if (!timeout) return Error(timeout.error());
  if (*timeout > 0) sqlite3_busy_timeout(db, 0);

  const auto until = steady_clock::now() + wait;
  Result<Checkpointed> checkpointed = Checkpoint(mode);
  while (checkpointed && *checkpointed == Checkpointed::kBusy && steady_clock::now() < until) {
    std::this_thread::sleep_for(kPollInterval);
    checkpointed = Checkpoint(mode);
  }

  if (*timeout > 0) sqlite3_busy_timeout(db, static_cast<int>(*timeout));
  return checkpointed;
}

Status ImportScope::AfterCommit() {
  State& state = *state_;
  if (!state.wal) return {};
  state.CountFrames();
  if (Status s = state.MoveEarly(); !s.ok()) return s;
  if (!state.AttemptIsDue()) return {};
  const Result<State::Checkpointed> checkpointed = state.TryToStartAnew();
  if (!checkpointed) return checkpointed.error();

  // While readers stay on the WAL it goes on growing: no attempt at each commit, each costs the
  // wait.
  const uint64_t first = state.first_attempt_bytes();
  state.next_attempt_bytes = *checkpointed == State::Checkpointed::kBusy
                                 ? state.wal_bytes() + std::max<uint64_t>(first / 4, 1)
                                 : first;
  return {};
}

// PASSIVE moves what it can while others go on; RESTART moves the rest and waits, at the cap, until
// nobody reads from the WAL.
Result<ImportScope::State::Checkpointed> ImportScope::State::TryToStartAnew() {
  if (Status s = EndEarly(); !s.ok()) return Error(s);
  ++checkpoints;
  const Result<Checkpointed> passive = Checkpoint(SQLITE_CHECKPOINT_PASSIVE);
  if (!passive) return passive;
  const bool below_cap = wal_bytes() < options.wal_cap_bytes;
  Result<Checkpointed> restarted = CheckpointWaiting(
      SQLITE_CHECKPOINT_RESTART, below_cap ? milliseconds(0) : options.checkpoint_wait);
  if (restarted && *restarted == Checkpointed::kDone) early_begun_bytes = 0;
  return restarted;
}

// Right behind an early checkpoint little is left to move and to sync. Where commits outrun these,
// it is not waited for.
bool ImportScope::State::AttemptIsDue() const {
  if (wal_bytes() < next_attempt_bytes) return false;
  const bool is_prepared = early == Early::kIdle && early_begun_bytes >= next_attempt_bytes;
  const bool is_outrun = wal_bytes() >= next_attempt_bytes + options.wal_cap_bytes / 4;
  return options.checkpoint_bytes == 0 || is_prepared || is_outrun;
}

// --- Early checkpoints
//
// Who waits for a checkpoint waits for the disk: SQLite syncs the WAL before it moves pages from it
// to the database, and the database after it has moved all of them. So pages are moved in steps of
// which none waits long:
//
//   idle ──grown by a step──▶ syncing the WAL ──▶ PASSIVE up to the pin ──▶ syncing the database
//   ──▶ idle
//          pin; a thread        done                unpin; the thread         done
//          begins to sync                           begins to sync
//
// The pin is a read transaction, of a connection that can only read (I3). It keeps the checkpoint
// from what was committed after it: what is moved is what the thread has synced, and SQLite does
// not sync the database, as not all of the WAL was moved. Nothing rests on the thread: SQLite does
// all the syncs that it would do without it, and finds them done, but for the disk's own flush.

bool ImportScope::State::EarlyIsDue() const {
  if (options.checkpoint_bytes == 0 || early_begun_bytes >= next_attempt_bytes) return false;
  return wal_bytes() >= std::min(early_begun_bytes + early_step_bytes(), next_attempt_bytes);
}

Status ImportScope::State::MoveEarly() {
  if (early == Early::kIdle) {
    if (EarlyIsDue()) BeginEarly();
    return {};
  }
  if (sync.running()) return {};
  return early == Early::kSyncingWal ? MoveToPin() : EndEarly();
}

// Where there is no pin to be had (a lock, no descriptor), there is none of this step.
void ImportScope::State::BeginEarly() {
  early_begun_bytes = wal_bytes();
  if (!Pin()) return;
  sync.Start(FileOf(SQLITE_FCNTL_JOURNAL_POINTER));
  early = Early::kSyncingWal;
}

Status ImportScope::State::MoveToPin() {
  if (Status s = FinishSync(); !s.ok()) return s;
  ++checkpoints;
  const Result<Checkpointed> moved = Checkpoint(SQLITE_CHECKPOINT_PASSIVE);
  Unpin();
  early = Early::kIdle;
  if (!moved) return moved.error();
  sync.Start(FileOf(SQLITE_FCNTL_FILE_POINTER));
  early = Early::kSyncingDatabase;
  return {};
}

// Wherever it is; waits for the thread.
Status ImportScope::State::EndEarly() {
  Unpin();
  early = Early::kIdle;
  return FinishSync();
}

Status ImportScope::State::FinishSync() {
  const int code = sync.Finish();
  return code == SQLITE_OK ? Status() : SqliteError(db, code, "sync ahead of a checkpoint");
}

// A read transaction that needs no schema: of what is committed by now.
bool ImportScope::State::Pin() {
  if (pin.handle() == nullptr) {
    sqlite3_vfs* vfs = nullptr;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
    Result<Connection> opened =
        Connection::Open(sqlite3_db_filename(db, "main"), {.vfs = vfs->zName});
    if (!opened) return false;
    pin = std::move(*opened);
  }
  if (pin.Execute("BEGIN; PRAGMA user_version").ok()) return true;
  Unpin();
  return false;
}

void ImportScope::State::Unpin() {
  if (pin.handle() != nullptr && pin.in_transaction()) static_cast<void>(pin.Execute("ROLLBACK"));
}

sqlite3_file* ImportScope::State::FileOf(int file_control) const {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(db, "main", file_control, &file);
  return file;
}

Result<bool> ImportScope::HasRoom() {
  State& state = *state_;
  if (!state.wal || state.wal_bytes() < state.options.wal_cap_bytes) return true;
  const Result<State::Checkpointed> checkpointed = state.TryToStartAnew();
  if (!checkpointed) return Error(checkpointed.error());
  if (*checkpointed == State::Checkpointed::kBusy) return false;
  state.next_attempt_bytes = state.first_attempt_bytes();
  return true;
}

uint64_t ImportScope::wal_bytes() const { return state_->wal_bytes(); }

std::vector<std::string> ImportScope::PinnedBy() const { return state_->PinnedBy(); }

Result<ImportScope::Report> ImportScope::End() {
  if (state_ == nullptr) return Error(Status::Internal("end of an import scope that has ended"));
  if (sqlite3_get_autocommit(state_->db) == 0) {
    return Error(Status::Usage("an import cannot end while the connection has a transaction open",
                               "commit it or roll it back first"));
  }
  const std::unique_ptr<State> state = std::move(state_);

  // While the large cache is there, and before the checkpoint, for it may write statistics. They
  // can wait when others write now.
  Result<std::string> optimized = ReadPragma(state->db, "main.optimize");
  const bool optimize_failed = !optimized && optimized.error().code() != StatusCode::kBusy;

  // With our `synchronous`: the application's own may be OFF.
  Result<Report> report = Report{};
  if (optimize_failed) {
    report = Error(optimized.error());
  } else if (state->wal) {
    report = state->FinishWal();
  }

  if (Status status = state->RestorePragmas(); !status.ok() && report) report = Error(status);
  return report;
}

Result<ImportScope::Report> ImportScope::State::FinishWal() {
  if (Status s = EndEarly(); !s.ok()) return Error(s);
  const Result<Checkpointed> checkpointed =
      CheckpointWaiting(SQLITE_CHECKPOINT_TRUNCATE, options.checkpoint_wait);
  if (!checkpointed) return Error(checkpointed.error());

  Report report;
  report.checkpoints = checkpoints + 1;
  struct stat file {};
  if (stat(wal_path.c_str(), &file) == 0) report.wal_bytes = static_cast<uint64_t>(file.st_size);
  if (report.wal_bytes < kTruncatedWal) return report;

  if (Status status = SyncWal(); !status.ok()) return Error(status);
  report.pinned_by = PinnedBy();
  return report;
}

std::vector<std::string> ImportScope::State::PinnedBy() const {
  std::vector<std::string> holders;
  for (const LockHolder& holder : LockHoldersOf(wal_path.substr(0, wal_path.size() - 4))) {
    if (holder.reads || holder.writes) holders.push_back(Describe(holder));
  }
  return holders;
}

// Commits under synchronous=NORMAL are durable once the WAL is synced, which a checkpoint does only
// as far as it moves frames. Through SQLite's own file handle (I10).
Status ImportScope::State::SyncWal() {
  sqlite3_file* const file = FileOf(SQLITE_FCNTL_JOURNAL_POINTER);
  if (file == nullptr || file->pMethods == nullptr) return {};
  const int code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
  return code == SQLITE_OK ? Status() : SqliteError(db, code, "sync the WAL");
}

}  // namespace sluice
