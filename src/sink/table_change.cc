// SPDX-License-Identifier: Apache-2.0
#include "sink/table_change.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "publish/ownership.h"
#include "schema/names.h"
#include "schema/schema.h"
#include "schema/table_sql.h"
#include "sink/current_table.h"
#include "sink/schema_checks.h"
#include "sink/schema_objects.h"

namespace sluice {
namespace {

using Kind = SchemaChange::Kind;

template <typename Named>
const Named* Find(const std::vector<Named>& all, std::string_view name) {
  for (const Named& named : all) {
    if (SameName(named.name, name)) return &named;
  }
  return nullptr;
}

bool SameIndex(const Index& a, const Index& b) {
  return a.unique == b.unique &&
         std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(), b.columns.end(),
                    [](const std::string& x, const std::string& y) { return SameName(x, y); });
}

class TableChanger {
 public:
  TableChanger(TargetDatabase* target, Connection* connection, const TableChange& change,
               const ChangeOptions& options, const StopToken& stop, const ChangeStep& step)
      : target_(target),
        connection_(*connection),
        change_(change),
        options_(options),
        stop_(stop),
        step_(step) {}

  // The twelve steps of sqlite.org/lang_altertable.html, 7; those that cost nothing if there is
  // nothing to do are always made.
  Result<uint64_t> Run() {
    if (Status s = CheckSpace(); !s.ok()) return Error(s);
    if (Status s = PrepareToSort(connection_, options_.cache_bytes); !s.ok()) return Error(s);
    if (Status s = connection_.Execute("PRAGMA foreign_keys=OFF"); !s.ok()) return Error(s);
    Result<Transaction> transaction = Transaction::Begin(&connection_);
    if (!transaction) return Error(transaction.error());
    Result<uint64_t> rows = ChangeAll();
    if (!rows) return rows;
    step_("committing", 0, 0);
    if (Status s = transaction->Commit(); !s.ok()) return Error(s);
    // The whole table may stand in the WAL. If a reader needs it, the next checkpoint moves it.
    static_cast<void>(connection_.Execute("PRAGMA wal_checkpoint(TRUNCATE)"));
    return rows;
  }

 private:
  Result<uint64_t> ChangeAll() {
    Result<SchemaState> before = ReadSchemaState(connection_);
    if (!before) return Error(before.error());
    Result<Ownership> owned = target_->Owned();
    if (!owned) return Error(owned.error());
    owned_ = std::move(*owned);
    if (Status s = RememberObjects(); !s.ok()) return Error(s);
    if (Status s = DropDerived(); !s.ok()) return Error(s);
    uint64_t rows = 0;
    if (options_.rebuild) {
      TableRebuild rebuild(&connection_, change_, stop_, [&](uint64_t done, uint64_t total) {
        step_("copying " + change_.current.name, done, total);
      });
      if (Status s = rebuild.Run(); !s.ok()) return Error(s);
      rows = rebuild.rows();
    } else if (Status s = AddColumns(); !s.ok()) {
      return Error(s);
    }
    if (Status s = RestoreIndexes(); !s.ok()) return Error(s);
    if (Status s = MakeIndexes(); !s.ok()) return Error(s);
    if (Status s = MakeViews(); !s.ok()) return Error(s);
    if (Status s = RestoreFullText(); !s.ok()) return Error(s);
    if (Status s = MakeFullTexts(); !s.ok()) return Error(s);
    if (Status s = RestoreTriggers(); !s.ok()) return Error(s);
    if (Status s = CheckAgainst(connection_, *before); !s.ok()) return Error(s);
    if (Status s = RenewStatistics(); !s.ok()) return Error(s);
    Status stored =
        target_->ledger()->PutSchema(change_.current.name, ToToml(change_.wanted), UtcNow());
    if (!stored.ok()) return Error(stored);
    return rows;
  }

  // The new table stands beside the old one until the commit, and once more in the journal or the
  // WAL, with its indexes.
  Status CheckSpace() {
    if (!options_.rebuild) return {};
    uint64_t free = 0;
    if (options_.free_bytes) {
      free = *options_.free_bytes;
    } else {
      std::error_code error;
      const auto space =
          std::filesystem::space(std::filesystem::path(target_->path()).parent_path(), error);
      if (error) return {};  // a file system that does not say
      free = space.available;
    }
    Result<Statement> size = connection_.Prepare(
        "SELECT sum(pgsize) FROM dbstat('main', 1) WHERE name IN (SELECT name FROM "
        "sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE AND type IN ('table', 'index'))");
    if (!size) return size.error();
    size->BindText(1, change_.current.name);
    if (const Result<bool> row = size->Step(); !row) return row.error();
    return CheckRoom(2 * static_cast<uint64_t>(size->Integer(0)), free);
  }

  struct Object {
    std::string type;
    std::string name;
    std::string sql;
  };

  // The indexes and triggers of the table, which go with it.
  Status RememberObjects() {
    Result<Statement> query = connection_.Prepare(
        "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE"
        " AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid");
    if (!query) return query.error();
    query->BindText(1, change_.current.name);
    for (;;) {
      const Result<bool> row = query->Step();
      if (!row) return row.error();
      if (!*row) return {};
      objects_.push_back(
          {std::string(query->Text(0)), std::string(query->Text(1)), std::string(query->Text(2))});
    }
  }

  // Ours that the schema does not list, or lists otherwise.
  Status DropDerived() {
    for (const Index& index : change_.current.indexes) {
      const Index* wanted = Find(change_.wanted.indexes, index.name);
      if (wanted != nullptr && SameIndex(*wanted, index)) continue;
      if (Status s = Drop("index", index.name); !s.ok()) return s;
    }
    for (const View& view : change_.current.views) {
      if (Find(change_.wanted.views, view.name) != nullptr || IsOfOthers(view)) continue;
      if (Status s = Drop("view", view.name); !s.ok()) return s;
    }
    return DropFullTexts();
  }

  // A view that somebody changed is theirs, and a trigger on one of ours would go with it (I12).
  bool IsOfOthers(const View& view) const {
    return owned_.IsViewOfOthers(view.name) || !owned_.TriggersOfOthers(view.name).empty();
  }

  Status DropFullTexts() {
    std::vector<std::string> triggers = owned_.LostFullTextTriggers(change_.current.name);
    for (const FullText& full_text : change_.current.full_texts) {
      if (!IsDropped(full_text) || !owned_.HasFullText(change_.current, full_text)) continue;
      for (std::string& trigger : owned_.FullTextTriggers(change_.current, full_text))
        triggers.push_back(std::move(trigger));
      if (Status s = Drop("table", full_text.name); !s.ok()) return s;
    }
    for (const std::string& trigger : triggers) {
      if (Status s = Drop("trigger", trigger); !s.ok()) return s;
    }
    return {};
  }

  // A full text that is gone or changed, or whose rowid column gets another name.
  bool IsDropped(const FullText& full_text) const {
    return Changes([&](const SchemaChange& c) {
      const bool this_one = SameName(c.name, full_text.name);
      return c.kind == Kind::kKey ||
             (this_one && (c.kind == Kind::kDropFullText || c.kind == Kind::kChangeFullText));
    });
  }

  // It is not restored either. A trigger may have the name of an index.
  Status Drop(const std::string& type, const std::string& name) {
    std::erase_if(objects_, [&](const Object& object) {
      return object.type == type && SameName(object.name, name);
    });
    return connection_.Execute("DROP " + type + " IF EXISTS " + QuoteName(name));
  }

  Status AddColumns() {
    for (const SchemaChange& change : change_.changes) {
      if (change.kind != Kind::kAddColumn) continue;
      const Column* column = Find(change_.wanted.columns, change.name);
      if (Status s = AddColumn(connection_, change_.current, *column); !s.ok()) return s;
    }
    return {};
  }

  Status RestoreIndexes() { return options_.rebuild ? Restore("index") : Status(); }
  Status RestoreTriggers() { return options_.rebuild ? Restore("trigger") : Status(); }

  Status Restore(std::string_view type) {
    for (const Object& object : objects_) {
      if (object.type != type) continue;
      if (Status s = CheckDropped(object); !s.ok()) return s;
      step_(object.type + " " + object.name, 0, 0);
      Status made = connection_.Execute(object.sql);
      if (made.code() == StatusCode::kConstraint) return WhyNotUnique(object.name);
      if (made.ok()) continue;
      if (IsFault(made)) return made;
      return Status::Usage(
          "the " + object.type + " " + object.name + " cannot be kept: " + connection_.ErrorText(),
          "drop it first, or keep the columns that it names");
    }
    return {};
  }

  // SQLite may take the name of a column that is gone for a string, if it is in double quotes. What
  // a trigger names is looked at when it is compiled.
  Status CheckDropped(const Object& object) const {
    if (object.type != "index") return {};
    const size_t columns = std::min(object.sql.find('('), object.sql.size());
    for (const SchemaChange& change : change_.changes) {
      if (change.kind != Kind::kDropColumn) continue;
      if (!NamesColumn("(" + object.sql.substr(columns) + ")", change.name)) continue;
      return Status::Usage("the index " + object.name + " cannot be kept: it names the column " +
                               change.name + ", which is to go",
                           "drop it first, or keep the columns that it names");
    }
    return {};
  }

  Status WhyNotUnique(const std::string& name) {
    const Index* index = Find(change_.wanted.indexes, name);
    if (index != nullptr) return DoubleRows(connection_, change_.wanted.name, *index);
    return {StatusCode::kConstraint, "the unique index " + name + " does not fit the new values",
            "drop it first, or keep the columns as they are"};
  }

  Status MakeIndexes() {
    for (size_t i = 0; i < change_.wanted.indexes.size(); ++i) {
      const Index& index = change_.wanted.indexes[i];
      const Result<bool> there = HasIndex(index.name);
      if (!there) return there.error();
      if (*there) continue;
      step_(IndexStep(change_.wanted, i), 0, 0);
      Status made = connection_.Execute(CreateIndexSql(change_.wanted, index));
      if (made.code() == StatusCode::kConstraint)
        return DoubleRows(connection_, change_.wanted.name, index);
      if (!made.ok()) return made;
    }
    return {};
  }

  Result<bool> HasIndex(const std::string& name) {
    Result<Statement> query =
        connection_.Prepare("SELECT 1 FROM pragma_index_list(?1) WHERE name = ?2 COLLATE NOCASE");
    if (!query) return Error(query.error());
    query->BindText(1, change_.wanted.name);
    query->BindText(2, name);
    return query->Step();
  }

  Status MakeViews() {
    for (const View& view : change_.wanted.views) {
      if (owned_.IsViewOfOthers(view.name)) continue;
      if (Status s = MakeView(connection_, view); !s.ok()) return s;
    }
    return {};
  }

  // Full text over the table, ours or not, reads its rows by rowid, and these are the same. Its
  // owner may have put only some rows in, so that it is built anew only if the text may be another.
  Status RestoreFullText() {
    if (!options_.rebuild) return {};
    const Result<std::vector<std::string>> over = FullTextsOver(connection_, change_.wanted.name);
    if (!over) return over.error();
    for (const std::string& name : *over) {
      const Result<bool> differs = TextMayDiffer(name);
      if (!differs) return differs.error();
      if (*differs) step_("full text " + name, 0, 0);
      Status kept = *differs ? Rebuild(name) : ReadOne(name);
      if (kept.ok()) continue;
      if (IsFault(kept)) return kept;
      return Status::Usage("the full text " + name + " cannot be kept: " + connection_.ErrorText(),
                           "drop it first, or keep the columns that it names");
    }
    return {};
  }

  Status Rebuild(const std::string& full_text) {
    const std::string name = QuoteName(full_text);
    return connection_.Execute("INSERT INTO " + name + " (" + name + ") VALUES ('rebuild')");
  }

  // It may call a column the rowid that is gone.
  Status ReadOne(const std::string& full_text) {
    if (!Changes([](const SchemaChange& change) { return change.kind == Kind::kDropColumn; }))
      return {};
    Result<Statement> query =
        connection_.Prepare("SELECT * FROM " + QuoteName(full_text) + " LIMIT 1");
    if (!query) return query.error();
    const Result<bool> row = query->Step();
    return row ? Status() : row.error();
  }

  Result<bool> TextMayDiffer(const std::string& full_text) {
    if (Changes([](const SchemaChange& change) { return change.kind == Kind::kKey; })) return true;
    Result<Statement> query = connection_.Prepare(
        "SELECT f.name, t.hidden IN (2, 3) FROM pragma_table_info(?1) AS f LEFT JOIN"
        " pragma_table_xinfo(?2) AS t ON t.name = f.name COLLATE NOCASE");
    if (!query) return Error(query.error());
    query->BindText(1, full_text);
    query->BindText(2, change_.wanted.name);
    for (bool has_columns = false;; has_columns = true) {
      const Result<bool> row = query->Step();
      if (!row && IsFault(row.error())) return Error(row.error());
      if (!row) return true;  // SQLite cannot open it, and will say so of the attempt
      if (!*row) return !has_columns;
      // What a generated column makes of the others is not known here.
      if (query->Integer(1) != 0 || HasOtherValues(query->Text(0))) return true;
    }
  }

  bool HasOtherValues(std::string_view column) const {
    const auto is_it = [&](std::string_view name) { return SameName(name, column); };
    return std::any_of(change_.refilled.begin(), change_.refilled.end(), is_it) ||
           std::any_of(change_.copied.begin(), change_.copied.end(),
                       [&](const auto& copied) { return is_it(copied.first); }) ||
           Changes([&](const SchemaChange& change) {
             const bool of_values = change.kind == Kind::kRetype ||
                                    change.kind == Kind::kDropColumn ||
                                    change.kind == Kind::kAddColumn;
             return of_values && is_it(change.name);
           });
  }

  template <typename Predicate>
  bool Changes(Predicate predicate) const {
    return std::any_of(change_.changes.begin(), change_.changes.end(), predicate);
  }

  Status MakeFullTexts() {
    for (const FullText& full_text : change_.wanted.full_texts) {
      const FullText* old = Find(change_.current.full_texts, full_text.name);
      if (old != nullptr && !IsDropped(*old)) continue;
      step_("full text " + full_text.name, 0, 0);
      if (Status s = MakeFullText(connection_, change_.wanted, full_text); !s.ok()) return s;
    }
    return {};
  }

  // DROP TABLE takes those of the table with it.
  Status RenewStatistics() {
    if (!options_.rebuild) return {};
    const Result<std::optional<int64_t>> has =
        connection_.QueryInteger("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'");
    if (!has) return has.error();
    if (!has->has_value()) return {};
    return connection_.Execute("PRAGMA analysis_limit=1000; ANALYZE main." +
                               QuoteName(change_.wanted.name));
  }

  TargetDatabase* target_;
  Connection& connection_;
  const TableChange& change_;
  const ChangeOptions& options_;
  const StopToken& stop_;
  const ChangeStep& step_;
  Ownership owned_;  // before anything was changed
  std::vector<Object> objects_;
};

}  // namespace

Status CheckRoom(uint64_t needed, uint64_t free) {
  if (free >= needed) return {};
  return {StatusCode::kFull,
          "the change needs about " + FormatSize(needed) + " beside the database, and " +
              FormatSize(free) + " are free there",
          "make room, or move the database to a larger disk first"};
}

Result<uint64_t> ChangeTable(TargetDatabase* target, const TableChange& change,
                             const ChangeOptions& options, const StopToken& stop,
                             const ChangeStep& step) {
  return TableChanger(target, &target->connection(), change, options, stop, step).Run();
}

}  // namespace sluice
