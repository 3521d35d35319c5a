// SPDX-License-Identifier: Apache-2.0
#include "sluice/apply_schema.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "ingest/line_cells.h"
#include "schema/difference.h"
#include "schema/names.h"
#include "schema/schema.h"
#include "sink/table_change.h"
#include "sink/target_database.h"

namespace sluice {
namespace {

using Kind = SchemaChange::Kind;

const Column* Find(const Table& table, std::string_view name) {
  for (const Column& column : table.columns) {
    if (SameName(column.name, name)) return &column;
  }
  return nullptr;
}

const View* FindView(const Table& table, std::string_view name) {
  for (const View& view : table.views) {
    if (SameName(view.name, name)) return &view;
  }
  return nullptr;
}

const Column* ColumnFrom(const Table& table, Origin origin) {
  for (const Column& column : table.columns) {
    if (column.origin == origin) return &column;
  }
  return nullptr;
}

bool IsExtracted(const Column& column) {
  return column.origin == Origin::kPointer || column.origin == Origin::kExtra;
}

class Application {
 public:
  Application(const ApplyOptions& options, const StopToken& stop, const IngestHooks& hooks)
      : options_(options), stop_(stop), hooks_(hooks) {}

  Result<ApplySummary> Run() {
    if (Status s = OpenDatabase(); !s.ok()) return Error(s);
    if (Status s = ReadTables(); !s.ok()) return Error(s);
    if (Status s = Compared(); !s.ok()) return Error(s);
    if (Status s = PlanRefill(); !s.ok()) return Error(s);
    summary_.table = change_.wanted.name;
    for (const SchemaChange& change : change_.changes) summary_.changes.push_back(change.text);
    if (options_.dry_run) return std::move(summary_);
    if (Status s = Change(); !s.ok()) return Error(WithPath(s));
    target_.reset();  // its lock is the retry's now
    if (Status s = Retry(); !s.ok()) return Error(s);
    return std::move(summary_);
  }

 private:
  Status OpenDatabase() {
    if (Result<FileInfo> there = Stat(options_.database); !there) return there.error();
    Result<std::unique_ptr<TargetDatabase>> target = TargetDatabase::Open(
        options_.database,
        {.wait = {.longest = options_.wait, .stop = &stop_}, .look_only = options_.dry_run});
    if (!target) return target.error();
    target_ = std::move(*target);
    if (target_->ledger() != nullptr) return {};
    return Status::NotFound(options_.database + ": sluice has not written to it",
                            "sluice ingest makes a table by a schema");
  }

  Status ReadTables() {
    const bool is_file = options_.schema.ends_with(".toml");
    Result<Table> wanted = is_file ? LoadSchema(options_.schema) : LoadPreset(options_.schema);
    if (!wanted) return wanted.error();
    if (!options_.table.empty()) RenameTable(&*wanted, options_.table);
    Result<std::optional<Table>> stored = target_->StoredTable(wanted->name);
    if (!stored) return stored.error();
    if (stored->has_value()) stored = target_->AsItIsThere(**stored);
    if (!stored) return stored.error();
    if (!stored->has_value()) {
      return Status::NotFound(
          target_->path() + " has no table " + wanted->name + " that sluice made",
          "sluice ingest makes it; --table says which table is meant");
    }
    change_.current = std::move(**stored);
    change_.wanted = Fitted(std::move(*wanted), change_.current);
    if (change_.current.foreign) {
      if (Status s = target_->CheckColumns(change_.wanted); !s.ok()) return s;
    }
    if (Status s = CheckTable(change_.wanted); !s.ok()) return s;
    const Result<Ownership> owned = target_->Owned();
    if (!owned) return owned.error();
    if (Status s = owned->CheckNames(change_.wanted, true); !s.ok()) return s;
    LeaveViewsOfOthers(*owned);
    return target_->CompileViews({change_.wanted}, change_.wanted.name);
  }

  // Then there is nothing to change about them.
  void LeaveViewsOfOthers(const Ownership& owned) {
    std::vector<View> views;
    for (View& view : change_.current.views) {
      const View* wanted = FindView(change_.wanted, view.name);
      const std::string why = WhyLeft(owned, view, wanted != nullptr);
      if (!why.empty()) summary_.notes.push_back("the view " + view.name + " " + why);
      if (why.empty()) {
        views.push_back(std::move(view));
      } else if (wanted != nullptr) {
        views.push_back(*wanted);
      }
    }
    change_.current.views = std::move(views);
  }

  // A view that somebody has changed is theirs by now (I12), and a trigger of theirs on a view of
  // ours would go with it.
  static std::string WhyLeft(const Ownership& owned, const View& view, bool is_wanted) {
    if (owned.IsViewOfOthers(view.name)) {
      return "was changed since sluice made it, and is left as it is (once it is dropped, " +
             std::string(is_wanted ? "the next run makes it)" : "it is gone)");
    }
    const std::vector<std::string> triggers = owned.TriggersOfOthers(view.name);
    if (is_wanted || triggers.empty()) return "";
    return "is not in the schema any more, and is left as it is, for the trigger " +
           triggers.front() + " on it would go with it";
  }

  // Changes that need a word more.
  Status Compared() {
    change_.changes = Compare(change_.current, change_.wanted);
    std::vector<SchemaChange> dropped;
    for (const SchemaChange& change : change_.changes) {
      if (WhoMakes(change.kind) == ChangedBy::kApplyDrop) dropped.push_back(change);
    }
    if (dropped.empty() || options_.drop) return {};
    return Status::Usage(Subject() + TextOf(dropped), "--drop drops it with all that is in it");
  }

  // SQLite's errors have it.
  Status WithPath(const Status& s) const {
    return s.message().starts_with(target_->path() + ":") ? s : s.In(target_->path());
  }

  std::string Subject() const {
    return target_->path() + ": the table " + change_.wanted.name + ": ";
  }

  // Where changed and new columns have their values from: the raw line, another column of the same
  // origin, or nowhere.
  Status PlanRefill() {
    const Column* line = ColumnFrom(change_.current, Origin::kLine);
    std::vector<SchemaChange> unknown;
    for (const SchemaChange& change : change_.changes) {
      const bool is_new = change.kind == Kind::kAddColumn;
      if ((!is_new && change.kind != Kind::kRepoint) || options_.new_lines_only) continue;
      const Column& column = *Find(change_.wanted, change.name);
      const Column* same =
          IsExtracted(column) ? nullptr : ColumnFrom(change_.current, column.origin);
      if (IsExtracted(column) && line != nullptr) {
        change_.refilled.push_back(column.name);
      } else if (same != nullptr) {
        change_.copied.emplace_back(column.name, same->name);
      } else if (!is_new) {
        unknown.push_back(change);
      }
    }
    if (line != nullptr) change_.line_column = line->name;
    if (unknown.empty()) return {};
    return Status::Usage(Subject() + TextOf(unknown) + ", and the table does not keep the lines (" +
                             "from = \"@line\") that would tell what its rows hold",
                         "--new-lines-only leaves these rows as they are");
  }

  Result<bool> NeedsRebuild() {
    if (!change_.refilled.empty() || !change_.copied.empty()) return true;
    for (const SchemaChange& change : change_.changes) {
      switch (change.kind) {
        case Kind::kRetype:
        case Kind::kWiden:
        case Kind::kNarrow:
        case Kind::kRedefine:
        case Kind::kKey:
        case Kind::kDropColumn:
          return true;
        case Kind::kAddColumn:
          if (!NeedsEmptyTable(*Find(change_.wanted, change.name))) break;
          if (Result<bool> rows = target_->HasRows(change_.wanted.name); !rows || *rows)
            return NoValueFor(change.name, rows);
          break;
        default:
          break;
      }
    }
    return false;
  }

  Result<bool> NoValueFor(const std::string& column, const Result<bool>& rows) const {
    if (!rows) return rows;
    return Error(Status::Usage(Subject() + "its rows would have no value in the new column " +
                                   column + ", which is NOT NULL",
                               "give it a DEFAULT, or leave NOT NULL out"));
  }

  Status Change() {
    const Result<bool> rebuild = NeedsRebuild();
    if (!rebuild) return rebuild.error();
    LineCells cells(change_.wanted);
    change_.extract = [&](std::string_view line) { return cells.Of(line); };
    const Stopwatch watch;
    const Result<uint64_t> rows = ChangeTable(
        target_.get(), change_, {.rebuild = *rebuild, .free_bytes = options_.free_bytes}, stop_,
        [&](const std::string& step, uint64_t done, uint64_t total) {
          if (!hooks_.progress) return;
          const std::string of =
              total == 0 ? ""
                         : ", " + std::to_string(done) + " of " + std::to_string(total) + " rows";
          hooks_.progress({.phase = IngestProgress::Phase::kFinishing,
                           .rows = done,
                           .seconds = watch.seconds(),
                           .doing = step + of});
        });
    if (!rows) return rows.error();
    summary_.rebuilt = *rebuild;
    summary_.rows = *rows;
    return {};
  }

  // A line that was refused by the old table may fit the new one.
  Status Retry() {
    Result<RetrySummary> retried = RetryRejects(
        {.database = options_.database, .table = change_.wanted.name, .wait = options_.wait});
    if (!retried) {
      return {retried.error().code(),
              "the schema is applied, but its rejects could not be tried again: " +
                  retried.error().message(),
              "sluice rejects retry tries them"};
    }
    summary_.retried = *retried;
    return {};
  }

  const ApplyOptions& options_;
  const StopToken& stop_;
  const IngestHooks& hooks_;
  std::unique_ptr<TargetDatabase> target_;
  TableChange change_;
  ApplySummary summary_;
};

}  // namespace

Result<ApplySummary> ApplySchema(const ApplyOptions& options, const StopToken& stop,
                                 const IngestHooks& hooks) {
  return Application(options, stop, hooks).Run();
}

}  // namespace sluice
