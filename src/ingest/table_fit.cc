// SPDX-License-Identifier: Apache-2.0
#include "ingest/table_fit.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "schema/difference.h"
#include "schema/names.h"
#include "schema/schema.h"

namespace sluice {
namespace {

// As the command that applies a schema wants to be told of it.
std::string ApplyCommand(const TargetDatabase& target, const IngestOptions& options,
                         const std::string& schema) {
  return "sluice schema apply " + target.path() + " " + schema +
         (options.table.empty() ? "" : " --table " + options.table);
}

std::vector<SchemaChange> Those(const std::vector<SchemaChange>& changes,
                                bool (*wanted)(ChangedBy)) {
  std::vector<SchemaChange> those;
  for (const SchemaChange& change : changes) {
    if (wanted(WhoMakes(change.kind))) those.push_back(change);
  }
  return those;
}

std::vector<SchemaChange> ForRun(const std::vector<SchemaChange>& changes) {
  return Those(changes, [](ChangedBy by) { return by == ChangedBy::kRun; });
}
std::vector<SchemaChange> Left(const std::vector<SchemaChange>& changes) {
  return Those(changes, [](ChangedBy by) { return by == ChangedBy::kApplyLeft; });
}
std::vector<SchemaChange> ForApply(const std::vector<SchemaChange>& changes) {
  return Those(changes, [](ChangedBy by) { return by > ChangedBy::kApplyLeft; });
}

// --pk names a key that has to be the one that the table was made with.
Status CheckKey(const TargetDatabase& target, const Table& wanted, const Table& current,
                const IngestOptions& options) {
  if (options.primary_key.empty() || current.primary_key == wanted.primary_key) return {};
  return Status::Usage(target.path() + ": the table " + wanted.name + " was made with " +
                           (current.primary_key.empty() ? "no primary key" : "another primary key"),
                       "leave out --pk, or use --table for a new table");
}

// A table that another program made: nothing but indexes, views and full text is added to it.
Result<Table> FitForeign(TargetDatabase* target, Table wanted) {
  if (Status s = target->CheckColumns(wanted); !s.ok()) return Error(s);
  Result<std::optional<Table>> current = target->AsItIsThere(wanted);
  if (!current) return Error(current.error());
  if (!current->has_value()) return wanted;
  (*current)->foreign = true;
  wanted = Fitted(std::move(wanted), **current);
  if (Status s = CheckTable(wanted); !s.ok()) return Error(s);
  return wanted;
}

class Fit {
 public:
  Fit(TargetDatabase* target, const Table& current, const IngestOptions& options,
      std::vector<std::string>* notes)
      : target_(target), current_(current), options_(options), notes_(notes) {}

  Result<Table> ToFile(Table wanted) {
    wanted = Fitted(std::move(wanted), current_);
    if (Status s = CheckTable(wanted); !s.ok()) return Error(s);
    std::vector<SchemaChange> changes = Compare(current_, wanted);
    if (options_.sync_indexes) {
      std::erase_if(changes, [](const SchemaChange& change) {
        return change.kind == SchemaChange::Kind::kDropUnique;
      });
    }
    if (current_.foreign) {
      if (Status s = target_->CheckColumns(wanted); !s.ok()) return Error(s);
    }
    const std::vector<SchemaChange> refused = ForApply(changes);
    if (!refused.empty()) return Error(Refusal(wanted, refused));
    if (Status s = CheckAdditions(wanted, changes); !s.ok()) return Error(s);
    Tell(wanted, ForRun(changes));
    TellLeft(wanted, Left(changes));
    return WithWhatIsLeft(std::move(wanted), current_, !options_.sync_indexes);
  }

  Result<Table> ToPreset(const Table& preset) {
    // A schema that a person wrote is not changed by a preset of the same table.
    if (current_.edited || current_.preset.empty()) return current_;
    if (current_.preset != preset.preset) {
      return Error(Status::Usage(target_->path() + ": the table " + current_.name +
                                     " is of the kind " + current_.preset + ", not " +
                                     preset.preset,
                                 "use --table for a new table"));
    }
    Table merged = Merged(current_, preset);
    if (!CheckTable(merged).ok()) return current_;
    Tell(merged, ForRun(Compare(current_, merged)));
    const std::vector<SchemaChange> more = ForApply(Compare(merged, Fitted(preset, current_)));
    if (!more.empty()) {
      notes_->push_back("the table " + merged.name + " stays as an older preset made it (" +
                        TextOf(more) + "); " + ApplyCommand(*target_, options_, preset.preset) +
                        " changes it");
    }
    return merged;
  }

  Result<Table> ToInferred(Table wanted) {
    wanted = Fitted(std::move(wanted), current_);
    return WithWhatIsLeft(std::move(wanted), current_, !options_.sync_indexes);
  }

 private:
  Status Refusal(const Table& wanted, const std::vector<SchemaChange>& changes) const {
    const std::string apply =
        ApplyCommand(*target_, options_, options_.schema) + " changes it, or refuses";
    const std::string beside = "--table NAME makes a new table";
    // A file that lacks columns of the table may have been written for another one.
    const bool drops = std::ranges::any_of(changes, [](const SchemaChange& change) {
      return change.kind == SchemaChange::Kind::kDropColumn;
    });
    return Status::Usage(target_->path() + ": the table " + wanted.name + " is not what " +
                             options_.schema + " says: " + TextOf(changes),
                         drops ? beside + "; " + apply : apply + "; " + beside);
  }

  // What SQLite's ALTER TABLE ADD COLUMN does not take.
  Status CheckAdditions(const Table& wanted, const std::vector<SchemaChange>& changes) {
    for (const SchemaChange& change : changes) {
      if (change.kind != SchemaChange::Kind::kAddColumn) continue;
      const auto column = std::find_if(wanted.columns.begin(), wanted.columns.end(),
                                       [&](const Column& c) { return c.name == change.name; });
      if (!NeedsEmptyTable(*column)) continue;
      const Result<bool> has_rows = target_->HasRows(wanted.name);
      if (!has_rows) return has_rows.error();
      if (!*has_rows) continue;
      return Status::Usage(target_->path() + ": the table " + wanted.name +
                               " has rows, which would have no value in the new column " +
                               column->name + " " + column->declared_type,
                           "give it a DEFAULT, or leave NOT NULL out");
    }
    return {};
  }

  void Tell(const Table& table, const std::vector<SchemaChange>& changes) {
    if (!changes.empty())
      notes_->push_back("the table " + table.name + " changes: " + TextOf(changes, 20));
  }

  void TellLeft(const Table& table, const std::vector<SchemaChange>& changes) {
    if (changes.empty()) return;
    const bool indexes_only = std::all_of(
        changes.begin(), changes.end(),
        [](const SchemaChange& change) { return change.kind == SchemaChange::Kind::kDropIndex; });
    if (indexes_only && options_.sync_indexes) return;  // they are dropped, and it is told then
    notes_->push_back("the table " + table.name + " keeps what " + options_.schema +
                      " no longer lists (" + TextOf(changes) + "); " +
                      ApplyCommand(*target_, options_, options_.schema) + " drops it");
  }

  TargetDatabase* target_;
  const Table& current_;
  const IngestOptions& options_;
  std::vector<std::string>* notes_;
};

// Columns that somebody dropped come back: lines have values for them.
Table ToStored(Table stored, const Table& current) {
  for (Column& column : stored.columns) {
    for (const Column& there : current.columns) {
      if (!SameName(column.name, there.name)) continue;
      column.declared_type = there.declared_type;
      column.affinity = there.affinity;
    }
  }
  stored.rowid_column = current.rowid_column;
  return stored;
}

Result<Table> FitTo(Fit fit, Table wanted, const Table& current, TableOrigin origin) {
  switch (origin) {
    case TableOrigin::kFile:
      return fit.ToFile(std::move(wanted));
    case TableOrigin::kPreset:
      return fit.ToPreset(wanted);
    case TableOrigin::kInferred:
      return fit.ToInferred(std::move(wanted));
    case TableOrigin::kStored:
      break;
  }
  return ToStored(std::move(wanted), current);
}

}  // namespace

Result<Table> FitTable(TargetDatabase* target, Table wanted, TableOrigin origin,
                       const IngestOptions& options, std::vector<std::string>* notes) {
  Result<std::optional<Table>> stored = target->StoredTable(wanted.name);
  if (!stored) return Error(stored.error());
  if (!stored->has_value()) return FitForeign(target, std::move(wanted));
  Result<std::optional<Table>> current = target->AsItIsThere(**stored);
  if (!current) return Error(current.error());
  if (!current->has_value()) return wanted;  // it was dropped, and is made anew
  if (Status s = CheckKey(*target, wanted, **current, options); !s.ok()) return Error(s);

  Result<Table> fitted =
      FitTo(Fit(target, **current, options, notes), std::move(wanted), **current, origin);
  // --pk, --ignore and --replace are of this run.
  if (fitted && !options.primary_key.empty()) fitted->on_conflict = options.on_conflict;
  return fitted;
}

}  // namespace sluice
