// SPDX-License-Identifier: Apache-2.0
#include "publish/old_database.h"

#include <cerrno>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger/ledger.h"
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

// Our own are the _sluice_ tables and those whose schemas they list. Tables behind virtual tables
// (those of full-text indexes) belong to these.
Result<std::vector<std::string>> TablesOfOthers(Connection& connection) {
  const Result<bool> exists = Ledger::Exists(connection);
  if (!exists) return Error(exists.error());
  std::string ours = "SELECT ''";
  if (*exists) {
    Result<Ledger> ledger = Ledger::Open(connection);
    if (!ledger) return Error(ledger.error());
    const Result<std::vector<std::string>> tables = ledger->Tables();
    if (!tables) return Error(tables.error());
    for (const std::string& table : *tables) ours += " UNION ALL SELECT " + QuoteText(table);
  }
  // An external-content FTS5 table of ours names our table in its definition.
  Result<Statement> statement = connection.Prepare(
      "WITH ours(name) AS (" + ours +
      ") SELECT l.name FROM pragma_table_list AS l JOIN sqlite_schema AS s ON s.name = l.name"
      " WHERE l.schema = 'main' AND l.type IN ('table', 'virtual')"
      " AND l.name NOT GLOB '_sluice_*' AND l.name NOT GLOB 'sqlite_*'"
      " AND l.name COLLATE NOCASE NOT IN (SELECT name FROM ours)"
      " AND NOT (l.type = 'virtual' AND EXISTS (SELECT 1 FROM ours WHERE name <> ''"
      " AND instr(s.sql, 'content=' || quote(name)) > 0))"
      " ORDER BY l.name");
  if (!statement) return Error(statement.error());
  std::vector<std::string> names;
  while (true) {
    const Result<bool> row = statement->Step();
    if (!row) return Error(row.error());
    if (!*row) return names;
    names.emplace_back(statement->Text(0));
  }
}

Status ForbidTablesOfOthers(Connection& connection) {
  constexpr size_t kShown = 5;
  const Result<std::vector<std::string>> names = TablesOfOthers(connection);
  if (!names) return names.error();
  if (names->empty()) return {};
  std::string list;
  for (size_t i = 0; i < names->size() && i < kShown; ++i)
    list += (i == 0 ? "" : ", ") + (*names)[i];
  if (names->size() > kShown) list += ", and " + std::to_string(names->size() - kShown) + " more";
  return Status::Unsupported(
      connection.path() + ": it has tables that sluice did not make: " + list,
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
    if (Status status = ForbidTablesOfOthers(old.connection_); !status.ok()) return Error(status);
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
