// SPDX-License-Identifier: Apache-2.0
#include "publish/fresh_database.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/directory.h"
#include "base/file.h"
#include "publish/built_check.h"
#include "publish/old_database.h"
#include "publish/target_lock.h"
#include "sqlite/connection.h"
#include "sqlite/lock_holders.h"

namespace sluice {
namespace {

// <target>.sluice-new-<pid>-<start time of that process>, so that a pid that was used again is not
// taken for its builder.
constexpr std::string_view kTemporaryMark = ".sluice-new-";

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// With all that its builder has put beside it: blueprint, sorted runs, what SQLite left.
void RemoveTemporary(const std::string& temporary) {
  static_cast<void>(Remove(temporary));
  const std::string directory = DirectoryOf(temporary);
  const std::string prefix = NameOf(temporary) + "-";
  for (const std::string& name : NamesIn(directory)) {
    if (name.starts_with(prefix)) static_cast<void>(Remove(directory + "/" + name));
  }
}

// The light check may take the larger of 50 ms and this share of the time since Claim.
constexpr int kCheckShare = 50;
constexpr std::chrono::milliseconds kCheckTime{50};

// SQLite would replay them into whatever database gets this name. An empty one holds nothing to
// replay, and programs that only read leave it behind: it is removed. A program that still has it
// open is connected to a file that has lost its name, and does not miss this one.
Status ForbidLeftovers(const std::string& target) {
  for (const std::string_view suffix : {"-wal", "-journal"}) {
    const std::string leftover = target + std::string(suffix);
    const Result<FileInfo> info = Stat(leftover);
    if (!info && info.error().code() == StatusCode::kNotFound) continue;
    if (info && info->kind == FileKind::kRegular && info->size == 0) {
      if (Status removed = Remove(leftover); !removed.ok()) return removed;
      continue;
    }
    return Status::Unsupported(
        leftover +
            ": left beside a database that is not there; SQLite would replay it into the new one",
        "bring its database back beside it, or remove it if it is of no use");
  }
  return {};
}

struct Builder {
  int pid = 0;
  uint64_t started = 0;
};

// Of the part of a temporary file's name behind the mark: "<pid>-<start time>", and perhaps "-wal",
// "-blueprint".
std::optional<Builder> ParseBuilder(std::string_view text) {
  Builder builder;
  const char* end = text.data() + text.size();
  const auto pid = std::from_chars(text.data(), end, builder.pid);
  if (pid.ec != std::errc() || pid.ptr == end || *pid.ptr != '-') return std::nullopt;
  const auto started = std::from_chars(pid.ptr + 1, end, builder.started);
  if (started.ec != std::errc()) return std::nullopt;
  return builder;
}

// SQLite's word for a database that is gone when its connection closes. A file of that name can
// still be meant: "./:memory:".
Status NotInMemory() {
  return Status::Usage(":memory: is no file: a database in memory would be gone when this run ends",
                       "name a file, such as /dev/shm/logs.db if it need not outlive the machine");
}

Status ForbidExisting(const std::string& target) {
  return Status::Unsupported(target + ": a database of this name is there already",
                             "leave out what makes it anew, or replace it: --from-scratch");
}

}  // namespace

Result<std::string> ResolveTarget(const std::string& path) {
  constexpr int kMostLinks = 40;  // as Linux itself
  if (path.empty()) return Error(Status::Usage("the path of the database is empty"));
  if (path == ":memory:") return Error(NotInMemory());
  std::string target = path;
  for (int links = 0; links < kMostLinks; ++links) {
    Result<std::string> directory = CanonicalPath(DirectoryOf(target));
    if (!directory) {
      if (directory.error().code() != StatusCode::kNotFound) return Error(directory.error());
      return Error(
          Status::NotFound(path + ": there is no folder " + DirectoryOf(target),
                           "create it (mkdir -p " + DirectoryOf(target) + "), or check the path"));
    }
    const std::string name = NameOf(target);
    if (name.empty() || name == "." || name == "..") {
      return Error(Status::Usage(path + ": this is a directory, not a database",
                                 "give the path of a file in it, such as " + path + "/logs.db"));
    }
    target = (*directory == "/" ? "" : *directory) + "/" + name;

    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::symlink_status(target, error);
    if (!std::filesystem::is_symlink(status)) {
      if (std::filesystem::is_directory(status)) {
        return Error(Status::Usage(path + ": this is a directory, not a database",
                                   "give the path of a file in it, such as " + path + "/logs.db"));
      }
      if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        return Error(Status::Usage(path + ": this is no regular file, so it can be no database"));
      }
      return target;
    }
    const std::filesystem::path link = std::filesystem::read_symlink(target, error);
    if (error) return Error(SystemError(error.value(), "read the link " + target));
    target = link.is_absolute() ? link.string() : *directory + "/" + link.string();
  }
  return Error(Status::Usage(path + ": symbolic links lead in a circle"));
}

// We hold the target's lock, so a builder that lives has lost its lock file to somebody's rm: its
// file is left alone.
void RemoveTemporariesOfDeadRuns(const std::string& target) {
  const std::string directory = DirectoryOf(target);
  const std::string prefix = NameOf(target) + std::string(kTemporaryMark);
  for (const std::string& name : NamesIn(directory)) {
    if (!name.starts_with(prefix)) continue;
    const std::optional<Builder> builder =
        ParseBuilder(std::string_view(name).substr(prefix.size()));
    if (!builder) continue;
    const bool lives = builder->pid != getpid() && StartTimeOf(builder->pid) == builder->started;
    if (!lives) static_cast<void>(Remove(directory + "/" + name));
  }
}

struct FreshDatabase::Claimed {
  std::string target;
  std::string temporary;
  Options options;
  TargetLock lock;
  std::optional<OldDatabase> old;
  Stopwatch since_claim;

  // The steps of Publish, in this order.
  Status Check();
  Status MarkAsWal();
  Status SyncTemporary();
  Status RenameIntoPlace();
};

FreshDatabase::FreshDatabase(std::unique_ptr<Claimed> claimed) : claimed_(std::move(claimed)) {}
FreshDatabase::FreshDatabase(FreshDatabase&& other) noexcept = default;
FreshDatabase::~FreshDatabase() { Abandon(); }

const std::string& FreshDatabase::target() const { return claimed_->target; }
const std::string& FreshDatabase::temporary_path() const { return claimed_->temporary; }

Result<FreshDatabase> FreshDatabase::Claim(const std::string& path, const Options& options) {
  Result<std::string> target = ResolveTarget(path);
  if (!target) return Error(target.error());

  // One builder per target.
  Result<TargetLock> lock = TargetLock::Acquire(*target, options.wait);
  if (!lock) return Error(lock.error());
  return Claim(*target, std::move(*lock), options);
}

Result<FreshDatabase> FreshDatabase::Claim(const std::string& target, TargetLock lock,
                                           const Options& options) {
  RemoveTemporariesOfDeadRuns(target);

  auto claimed = std::make_unique<Claimed>();
  claimed->target = target;
  claimed->options = options;
  claimed->lock = std::move(lock);
  claimed->temporary = target + std::string(kTemporaryMark) + std::to_string(getpid()) + "-" +
                       std::to_string(StartTimeOf(getpid()));

  if (!Exists(target)) {
    if (Status status = ForbidLeftovers(target); !status.ok()) return Error(status);
  } else if (!options.replace) {
    return Error(ForbidExisting(target));
  } else {
    // From here on nobody else reads or writes the old database.
    Result<OldDatabase> old = OldDatabase::TakeExclusively(target, options.force);
    if (!old) return Error(old.error());
    claimed->old = std::move(*old);
  }
  return FreshDatabase(std::move(claimed));
}

Status FreshDatabase::Publish() {
  if (claimed_ == nullptr) return Status::Internal("publish of a database that was given up");

  Status status = claimed_->Check();
  if (status.ok()) status = claimed_->MarkAsWal();
  if (status.ok()) status = claimed_->SyncTemporary();
  if (status.ok()) status = claimed_->RenameIntoPlace();
  if (!status.ok()) {
    Abandon();
    return status;
  }

  // The target is the new database. Only a power cut could still take the name back.
  status = SyncDirectory(DirectoryOf(claimed_->target));
  claimed_.reset();
  if (status.ok()) return {};
  return status.In("the new database is in place, but a power cut may take it away");
}

void FreshDatabase::Abandon() {
  if (claimed_ == nullptr) return;
  RemoveTemporary(claimed_->temporary);
  if (claimed_->old) claimed_->old->Leave();
  claimed_.reset();
}

Status FreshDatabase::Claimed::Check() {
  switch (options.verify) {
    case Verify::kLight:
      return CheckLightly(temporary, std::max<Stopwatch::Clock::duration>(
                                         since_claim.elapsed() / kCheckShare, kCheckTime));
    case Verify::kQuick:
      return CheckThoroughly(temporary, "quick_check");
    case Verify::kFull:
      break;
  }
  return CheckThoroughly(temporary, "integrity_check");
}

// The mode stands in the header, so whoever opens the database gets a WAL; the files of the WAL
// come with the first of them.
Status FreshDatabase::Claimed::MarkAsWal() {
  Result<Connection> connection =
      Connection::Open(temporary, {.mode = OpenOptions::Mode::kReadWrite});
  if (!connection) return connection.error();
  // The file is synced as a whole after this.
  if (Status s = connection->Execute("PRAGMA synchronous=OFF"); !s.ok()) return s;
  const Result<std::string> mode = connection->Pragma("journal_mode=WAL");
  if (!mode) return mode.error();
  if (*mode != "wal") {
    return Status::Unsupported(
        temporary + ": SQLite cannot use a WAL here (journal_mode is " + *mode + ")",
        "put the database on a local file system with shared memory");
  }
  return connection->Close();
}

Status FreshDatabase::Claimed::SyncTemporary() {
  for (const std::string_view suffix : {"-wal", "-journal"}) {
    if (Exists(temporary + std::string(suffix))) {
      return Status::Internal(temporary + std::string(suffix) +
                              " is there after the last connection closed");
    }
  }
  Result<File> file = File::Open(temporary, File::Mode::kReadWrite);
  if (!file) return file.error();
  if (Status status = file->Sync(); !status.ok()) return status;
  return file->Close();
}

Status FreshDatabase::Claimed::RenameIntoPlace() {
  if (old) {
    if (Status status = old->PrepareReplacement(temporary); !status.ok()) return status;
    if (Status status = ForbidLeftovers(target); !status.ok()) return status;
    return Rename(temporary, target);
  }
  if (Status status = ForbidLeftovers(target); !status.ok()) return status;
  Status status = RenameNoReplace(temporary, target);
  if (status.code() == StatusCode::kBusy) {
    return {StatusCode::kBusy, target + ": another program made a database of this name meanwhile",
            "look at that one, then run again: with --from-scratch to replace it, without to add "
            "to it"};
  }
  return status;
}

}  // namespace sluice
