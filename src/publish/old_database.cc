// SPDX-License-Identifier: Apache-2.0
#include "publish/old_database.h"

#include <cerrno>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger/ledger.h"
#include "publish/ownership.h"
#include "sqlite/lock_holders.h"

namespace sluice {
namespace {

Status ForbidOthers(const std::string& path) {
  std::string others;
  for (const LockHolder& holder : ProcessesWithOpen(path)) {
    others += others.empty() ? "" : " and ";
    others += Describe(holder);
  }
  if (others.empty()) return {};
  return {StatusCode::kBusy, path + ": in use by " + others + ", so it cannot be replaced",
          "stop that program, then run again"};
}

Result<Ownership> OwnershipOf(Connection& connection) {
  const Result<bool> exists = Ledger::Exists(connection);
  if (!exists) return Error(exists.error());
  if (!*exists) return Ownership::Read(connection, nullptr);
  Result<Ledger> ledger = Ledger::Open(connection);
  if (!ledger) return Error(ledger.error());
  return Ownership::Read(connection, &*ledger);
}

// Not only tables: a view or a trigger that somebody made over our tables would go with them.
Status ForbidObjectsOfOthers(Connection& connection) {
  constexpr size_t kShown = 5;
  const Result<Ownership> ownership = OwnershipOf(connection);
  if (!ownership) return ownership.error();
  const std::vector<DatabaseObject> foreign = ownership->Foreign();
  if (foreign.empty()) return {};
  std::string list;
  for (size_t i = 0; i < foreign.size() && i < kShown; ++i) {
    list += (i == 0 ? "the " : ", the ") + foreign[i].kind + " " + foreign[i].name;
  }
  if (foreign.size() > kShown) {
    list += ", and " + std::to_string(foreign.size() - kShown) + " more";
  }
  return Status::Unsupported(connection.path() + ": it has what sluice did not make: " + list,
                             "choose another path, or replace it with all that is in it: --force");
}

}  // namespace

Result<OldDatabase> OldDatabase::TakeExclusively(const std::string& path, bool force) {
  // Programs that are connected but hold no lock at this moment would go on with a file that has
  // lost its name.
  if (Status status = ForbidOthers(path); !status.ok()) return Error(status);

  OldDatabase old;
  Result<Connection> connection = Connection::Open(path, {.mode = OpenOptions::Mode::kReadWrite});
  if (!connection) return Error(connection.error());
  old.connection_ = std::move(*connection);

  if (!force) {
    if (Status status = ForbidObjectsOfOthers(old.connection_); !status.ok()) return Error(status);
  }

  Result<std::string> mode = old.connection_.Pragma("journal_mode");
  if (!mode) return Error(mode.error());
  old.old_journal_mode_ = *mode;
  // Out of WAL mode only the last connection can go; any other makes this SQLITE_BUSY.
  mode = old.connection_.Pragma("journal_mode=DELETE");
  if (!mode) return Error(mode.error());
  if (*mode != "delete") {
    return Error(Status::Unsupported(path + ": its journal_mode stays " + *mode,
                                     "stop what uses it, then run again"));
  }
  if (Status status = old.connection_.Execute("BEGIN EXCLUSIVE"); !status.ok())
    return Error(status);

  const Result<FileInfo> info = Stat(path);
  if (!info) return Error(info.error());
  old.device_ = info->device;
  old.inode_ = info->inode;
  return old;
}

Status OldDatabase::PrepareReplacement(const std::string& new_path) {
  const std::string& path = connection_.path();
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return SystemError(errno, "find " + path);
  if (info.st_dev != device_ || info.st_ino != inode_) {
    return {StatusCode::kBusy, path + ": another program put a different file there meanwhile",
            "look at that one, then run again"};
  }
  if (chmod(new_path.c_str(), info.st_mode & 07777) != 0) {
    return SystemError(errno, "give the permissions of the old database to " + new_path);
  }
  // Only root may give a file away; who is not, keeps it.
  if (geteuid() == 0 && chown(new_path.c_str(), info.st_uid, info.st_gid) != 0) {
    return SystemError(errno, "give the owner of the old database to " + new_path);
  }
  return {};
}

void OldDatabase::Leave() {
  if (!connection_.in_transaction()) return;
  if (!connection_.Execute("ROLLBACK").ok()) return;
  // Best effort: in either mode the database is whole.
  if (old_journal_mode_ == "wal") static_cast<void>(connection_.Pragma("journal_mode=WAL"));
}

}  // namespace sluice
