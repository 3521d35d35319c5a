// SPDX-License-Identifier: Apache-2.0
#include "schema/difference.h"

#include <algorithm>
#include <utility>

#include "schema/declared_type.h"
#include "schema/names.h"
#include "schema/schema.h"

namespace sluice {
namespace {

using Kind = SchemaChange::Kind;

template <typename Named>
const Named* Find(const std::vector<Named>& all, const std::string& name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Named& n) { return SameName(n.name, name); });
  return found == all.end() ? nullptr : &*found;
}

bool SameNames(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const std::string& x, const std::string& y) { return SameName(x, y); });
}

std::string List(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

std::string OrNone(const std::string& text) { return text.empty() ? "none" : text; }

bool SameDefinition(const Definition& a, const Definition& b) {
  return a.type == b.type && a.not_null == b.not_null && a.default_value == b.default_value &&
         a.collation == b.collation;
}

std::string KeyOf(const Table& table) {
  if (!table.primary_key.empty()) return "(" + List(table.primary_key) + ")";
  return table.rowid_column.empty() ? "none" : table.rowid_column;
}

class Comparison {
 public:
  Comparison(const Table& current, const Table& wanted) : current_(current), wanted_(wanted) {}

  std::vector<SchemaChange> Take() {
    CompareColumns();
    CompareKeys();
    CompareIndexes();
    CompareViews();
    CompareFullTexts();
    CompareRules();
    return std::move(changes_);
  }

 private:
  void Add(Kind kind, const std::string& name, std::string text) {
    changes_.push_back({kind, name, std::move(text)});
  }

  void CompareColumns() {
    for (const Column& column : wanted_.columns) {
      const Column* old = Find(current_.columns, column.name);
      if (old != nullptr) {
        CompareColumn(*old, column);
      } else {
        Add(Kind::kAddColumn, column.name,
            "column " + column.name + " is new" +
                (column.declared_type.empty() ? "" : ": " + column.declared_type));
      }
    }
    for (const Column& old : current_.columns) {
      if (Find(wanted_.columns, old.name) != nullptr) continue;
      Add(Kind::kDropColumn, old.name, "column " + old.name + " is gone");
    }
  }

  void CompareColumn(const Column& old, const Column& column) {
    const std::string subject = "column " + column.name + ": ";
    const Definition before = DefinitionOf(old.declared_type);
    const Definition after = DefinitionOf(column.declared_type);
    if (before.type != after.type) {
      Add(Kind::kRetype, column.name,
          subject + (before.type.empty() ? "no type" : before.type) + " becomes " +
              (after.type.empty() ? "no type" : after.type));
    }
    if (before.not_null && !after.not_null)
      Add(Kind::kWiden, column.name, subject + "NOT NULL goes");
    if (!before.not_null && after.not_null)
      Add(Kind::kNarrow, column.name, subject + "NOT NULL comes");
    if (before.default_value != after.default_value) {
      Add(Kind::kRedefine, column.name,
          subject + "DEFAULT " + OrNone(before.default_value) + " becomes " +
              OrNone(after.default_value));
    }
    if (before.collation != after.collation) {
      Add(Kind::kRedefine, column.name,
          subject + "COLLATE " + before.collation + " becomes " + after.collation);
    }
    if (old.origin != column.origin || old.pointers != column.pointers) {
      Add(Kind::kRepoint, column.name,
          subject + "from " + FromOf(old) + " becomes from " + FromOf(column));
    }
  }

  void CompareKeys() {
    if (SameNames(current_.primary_key, wanted_.primary_key) &&
        SameName(current_.rowid_column, wanted_.rowid_column)) {
      return;
    }
    Add(Kind::kKey, wanted_.rowid_column,
        "the primary key " + KeyOf(current_) + " becomes " + KeyOf(wanted_));
    if (!current_.rowid_column.empty() && wanted_.rowid_column.empty() &&
        Find(wanted_.columns, current_.rowid_column) == nullptr) {
      Add(Kind::kDropColumn, current_.rowid_column, "column " + current_.rowid_column + " is gone");
    }
  }

  void CompareIndexes() {
    for (const Index& index : wanted_.indexes) {
      const Index* old = Find(current_.indexes, index.name);
      const std::string subject = (index.unique ? "unique index " : "index ") + index.name;
      const std::string columns = "(" + List(index.columns) + ")";
      if (old == nullptr) {
        Add(Kind::kAddIndex, index.name, subject + " is new: " + columns);
      } else if (old->unique != index.unique) {
        Add(Kind::kChangeUnique, index.name,
            "index " + index.name + (index.unique ? ": UNIQUE comes" : ": UNIQUE goes"));
      } else if (!SameNames(old->columns, index.columns)) {
        Add(index.unique ? Kind::kChangeUnique : Kind::kChangeIndex, index.name,
            subject + ": (" + List(old->columns) + ") becomes " + columns);
      }
    }
    for (const Index& old : current_.indexes) {
      if (Find(wanted_.indexes, old.name) != nullptr) continue;
      Add(old.unique ? Kind::kDropUnique : Kind::kDropIndex, old.name,
          (old.unique ? "unique index " : "index ") + old.name + " is gone");
    }
  }

  void CompareViews() {
    for (const View& view : wanted_.views) {
      const View* old = Find(current_.views, view.name);
      if (old == nullptr) {
        Add(Kind::kAddView, view.name, "view " + view.name + " is new");
      } else if (old->sql != view.sql) {
        Add(Kind::kChangeView, view.name, "view " + view.name + " has another text");
      }
    }
    for (const View& old : current_.views) {
      if (Find(wanted_.views, old.name) != nullptr) continue;
      Add(Kind::kDropView, old.name, "view " + old.name + " is gone");
    }
  }

  void CompareFullTexts() {
    for (const FullText& full_text : wanted_.full_texts) {
      const FullText* old = Find(current_.full_texts, full_text.name);
      const std::string columns = "(" + List(full_text.columns) + ")";
      const std::string subject = "full text " + full_text.name;
      if (old == nullptr) {
        Add(Kind::kAddFullText, full_text.name, subject + " is new: " + columns);
      } else if (!SameNames(old->columns, full_text.columns)) {
        Add(Kind::kChangeFullText, full_text.name,
            subject + ": (" + List(old->columns) + ") becomes " + columns);
      } else if (old->tokenize != full_text.tokenize) {
        Add(Kind::kChangeFullText, full_text.name,
            subject + ": tokenize " + OrNone(old->tokenize) + " becomes " +
                OrNone(full_text.tokenize));
      }
    }
    for (const FullText& old : current_.full_texts) {
      if (Find(wanted_.full_texts, old.name) != nullptr) continue;
      Add(Kind::kDropFullText, old.name, "full text " + old.name + " is gone");
    }
  }

  void CompareRules() {
    constexpr std::string_view kWords[] = {"reject", "ignore", "replace"};
    const auto word = [&](OnConflict rule) {
      return std::string(kWords[static_cast<size_t>(rule)]);
    };
    if (current_.on_conflict != wanted_.on_conflict) {
      Add(Kind::kRule, "",
          "on_conflict " + word(current_.on_conflict) + " becomes " + word(wanted_.on_conflict));
    }
    if (current_.any_json != wanted_.any_json) {
      Add(Kind::kRule, "",
          wanted_.any_json ? "a line may be any JSON" : "a line has to be an object");
    }
    for (const Column& column : wanted_.columns) {
      const Column* old = Find(current_.columns, column.name);
      if (old == nullptr || old->keep_strings_out == column.keep_strings_out) continue;
      Add(Kind::kRule, column.name,
          "column " + column.name + ": keep_strings_out " +
              (column.keep_strings_out ? "comes" : "goes"));
    }
  }

  const Table& current_;
  const Table& wanted_;
  std::vector<SchemaChange> changes_;
};

// The column of an INTEGER PRIMARY KEY that is declared with the column, as we do.
std::string RowidColumnOf(const TableSql& sql) {
  for (const TableSql::Item& item : sql.items) {
    if (item.column.empty()) continue;
    const Definition definition = DefinitionOf(item.text);
    if (definition.type == "INTEGER" && definition.others.starts_with("PRIMARY KEY") &&
        !definition.others.starts_with("PRIMARY KEY DESC")) {
      return item.column;
    }
  }
  return "";
}

// Whether the table has an object of this name: tables, indexes, views and full text share one set.
bool HasObject(const Table& table, const std::string& name) {
  return SameName(table.name, name) || Find(table.indexes, name) != nullptr ||
         Find(table.views, name) != nullptr || Find(table.full_texts, name) != nullptr;
}

bool HasColumns(const Table& table, const std::vector<std::string>& names) {
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return SameName(name, table.rowid_column) || Find(table.columns, name) != nullptr;
  });
}

}  // namespace

ChangedBy WhoMakes(Kind kind) {
  switch (kind) {
    case Kind::kAddColumn:
    case Kind::kAddIndex:
    case Kind::kChangeIndex:
    case Kind::kAddView:
    case Kind::kChangeView:
    case Kind::kAddFullText:
    case Kind::kRule:
      return ChangedBy::kRun;
    case Kind::kDropIndex:
    case Kind::kDropView:
    case Kind::kDropFullText:
      return ChangedBy::kApplyLeft;
    case Kind::kDropColumn:
      return ChangedBy::kApplyDrop;
    case Kind::kRepoint:
      return ChangedBy::kApplyRefill;
    case Kind::kRetype:
    case Kind::kWiden:
    case Kind::kNarrow:
    case Kind::kRedefine:
    case Kind::kKey:
    case Kind::kChangeUnique:
    case Kind::kDropUnique:
    case Kind::kChangeFullText:
      return ChangedBy::kApply;
  }
  return ChangedBy::kApply;
}

std::vector<SchemaChange> Compare(const Table& current, const Table& wanted) {
  return Comparison(current, wanted).Take();
}

std::string TextOf(const std::vector<SchemaChange>& changes, size_t limit) {
  std::string text;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (i == limit) return text + "; and " + std::to_string(changes.size() - i) + " more";
    text += (i == 0 ? "" : "; ") + changes[i].text;
  }
  return text;
}

Table AsItIs(Table stored, const TableSql& sql) {
  std::vector<Column> columns;
  for (Column& column : stored.columns) {
    const auto item =
        std::find_if(sql.items.begin(), sql.items.end(), [&](const TableSql::Item& candidate) {
          return !candidate.column.empty() && SameName(candidate.column, column.name);
        });
    if (item == sql.items.end()) continue;
    const Definition actual = DefinitionOf(item->text);
    if (!SameDefinition(actual, DefinitionOf(column.declared_type))) {
      column.declared_type = DeclaredTypeOf(actual);
      column.affinity = AffinityOf(column.declared_type);
    }
    columns.push_back(std::move(column));
  }
  stored.columns = std::move(columns);
  stored.rowid_column = RowidColumnOf(sql);
  const bool has_key = !stored.primary_key.empty();  // then the rowid has no name in a schema
  if (has_key || Find(stored.columns, stored.rowid_column) != nullptr) stored.rowid_column.clear();
  return stored;
}

Table Fitted(Table wanted, const Table& current) {
  wanted.foreign = current.foreign;
  if (wanted.primary_key.empty() && !current.primary_key.empty()) {
    wanted.primary_key = current.primary_key;
    wanted.on_conflict = current.on_conflict;
    wanted.rowid_column = current.rowid_column;
  }
  if (!current.foreign) return wanted;
  wanted.rowid_column = current.rowid_column;
  for (Column& column : wanted.columns) {
    const Column* old = Find(current.columns, column.name);
    if (old == nullptr) continue;
    column.declared_type = old->declared_type;
    column.affinity = old->affinity;
  }
  return wanted;
}

Table WithWhatIsLeft(Table wanted, const Table& current, bool with_indexes) {
  for (const Index& index : current.indexes) {
    const bool is_ours =
        SameName(index.name.substr(0, wanted.index_prefix.size()), wanted.index_prefix);
    if (!with_indexes || !is_ours || HasObject(wanted, index.name)) continue;
    if (HasColumns(wanted, index.columns)) wanted.indexes.push_back(index);
  }
  for (const View& view : current.views) {
    if (!HasObject(wanted, view.name)) wanted.views.push_back(view);
  }
  for (const FullText& full_text : current.full_texts) {
    const bool fits = !wanted.rowid_column.empty() && HasColumns(wanted, full_text.columns);
    if (fits && !HasObject(wanted, full_text.name)) wanted.full_texts.push_back(full_text);
  }
  return wanted;
}

Table Merged(const Table& current, const Table& preset) {
  Table merged = current;
  for (const Column& column : preset.columns) {
    const bool is_there =
        Find(merged.columns, column.name) != nullptr || SameName(column.name, merged.rowid_column);
    if (!is_there && !NeedsEmptyTable(column)) merged.columns.push_back(column);
  }
  for (const View& view : preset.views) {
    std::erase_if(merged.views, [&](const View& old) { return SameName(old.name, view.name); });
  }
  merged.views.insert(merged.views.begin(), preset.views.begin(), preset.views.end());
  Table more = preset;
  more.views.clear();
  merged = WithWhatIsLeft(std::move(merged), more, true);
  for (const std::string& companion : preset.companions) {
    if (std::find(merged.companions.begin(), merged.companions.end(), companion) ==
        merged.companions.end()) {
      merged.companions.push_back(companion);
    }
  }
  return merged;
}

bool NeedsEmptyTable(const Column& column) {
  const Definition definition = DefinitionOf(column.declared_type);
  return definition.not_null &&
         (definition.default_value.empty() || definition.default_value == "NULL");
}

}  // namespace sluice
