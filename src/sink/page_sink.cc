// SPDX-License-Identifier: Apache-2.0
#include "sink/page_sink.h"

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "schema/names.h"
#include "schema/schema.h"
#include "sink/schema_objects.h"
#include "sqlite/real_text.h"

namespace sluice {
namespace {

std::vector<uint32_t> TablesOf(const std::vector<SinkSource>& sources) {
  std::vector<uint32_t> tables;
  for (const SinkSource& source : sources) tables.push_back(source.table);
  return tables;
}

}  // namespace

PageSink::PageSink(TargetDatabase* target, std::vector<const Table*> tables,
                   std::vector<SinkSource> sources, Options options)
    : target_(target),
      tables_(std::move(tables)),
      table_of_source_(TablesOf(sources)),
      number_(tables_.size()),
      options_(std::move(options)),
      bookkeeping_(tables_, std::move(sources), options_.bookkeeping) {}

PageSink::~PageSink() { Abandon({StatusCode::kCancelled, "the run was given up"}); }

std::string PageSink::WhyNot(const std::vector<const Table*>& tables,
                             const std::vector<SinkSource>& sources) {
  for (const SinkSource& source : sources) {
    std::string why = DatabaseBuilder::WhyNot(*tables[source.table]);
    if (!why.empty()) return why;
  }
  return {};
}

Result<std::unique_ptr<Sink>> PageSink::Open(TargetDatabase* target,
                                             std::vector<const Table*> tables,
                                             std::vector<SinkSource> sources, Options options) {
  std::unique_ptr<PageSink> sink(
      new PageSink(target, std::move(tables), std::move(sources), std::move(options)));
  Status started = sink->DrawBlueprint();
  if (started.ok()) started = sink->StartBuilder();
  if (!started.ok()) {
    sink->Abandon(started);
    return Error(started);
  }
  return std::unique_ptr<Sink>(std::move(sink));
}

Status PageSink::DrawBlueprint() {
  Result<Connection> connection =
      target_->OpenTemporary(target_->BlueprintPath(), OpenOptions::Mode::kCreate);
  if (!connection) return connection.error();
  blueprint_ = std::make_unique<Connection>(std::move(*connection));
  Result<Transaction> transaction = Transaction::Begin(blueprint_.get());
  if (!transaction) return transaction.error();
  blueprint_transaction_.emplace(std::move(*transaction));

  Result<Ledger> ledger = Ledger::Create(*blueprint_);
  if (!ledger) return ledger.error();
  ledger_ = std::make_unique<Ledger>(std::move(*ledger));
  bookkeeping_.Stamp();
  if (Status s = bookkeeping_.Start(ledger_.get(), false); !s.ok()) return s;

  for (const Table* table : tables_) {
    if (Status s = blueprint_->Execute(CreateTableSql(*table)); !s.ok()) return s;
    if (Status s = bookkeeping_.PutSchema(*table); !s.ok()) return s;
  }
  for (const Table* table : tables_) {
    for (const Index& index : table->indexes) {
      if (Status s = blueprint_->Execute(CreateIndexSql(*table, index)); !s.ok()) return s;
    }
  }
  for (const Table* table : tables_) {
    for (const View& view : table->views) {
      if (Status s = MakeView(*blueprint_, view); !s.ok()) return s;
    }
  }
  return {};
}

Status PageSink::StartBuilder() {
  Result<std::unique_ptr<DatabaseBuilder>> builder =
      DatabaseBuilder::Create({.path = target_->fresh_->temporary_path(),
                               .page_size = target_->page_size_,
                               .memory_bytes = options_.builder_bytes,
                               .threads = options_.threads,
                               .format_real = FormatReal});
  if (!builder) return builder.error();
  builder_ = std::move(*builder);
  uint32_t next = 0;
  for (uint32_t i = 0; i < tables_.size(); ++i) {
    if (std::ranges::find(table_of_source_, i) == table_of_source_.end()) continue;
    builder_->AddTable(*tables_[i]);
    number_[i] = next++;
  }
  return {};
}

void PageSink::Screen(RowBatch* batch) { builder_->Screen(batch); }

Status PageSink::Encode(RowBatch* batch, unsigned thread) {
  return builder_->Encode(TableOf(*batch), thread, batch);
}

Status PageSink::Write(RowBatch* batch) {
  if (Status s = builder_->Write(TableOf(*batch), batch); !s.ok()) return s;
  return bookkeeping_.WriteRejects(*batch);
}

// The builder sees it in the next batch. Records that are there already stay as short as they are:
// SQLite reads NULL for the columns that they lack, as after its own ALTER TABLE.
Status PageSink::AddColumns(uint32_t table_index, const Table& table) {
  for (size_t i = tables_[table_index]->columns.size(); i < table.columns.size(); ++i) {
    if (Status s = AddColumn(*blueprint_, table, table.columns[i]); !s.ok()) return s;
  }
  tables_[table_index] = &table;
  return bookkeeping_.PutSchema(table);
}

Status PageSink::Commit(std::span<const SourceProgress> progress) {
  bookkeeping_.Stamp();
  if (Status s = bookkeeping_.Advance(progress); !s.ok()) return s;
  bookkeeping_.NoteCommit();
  return {};
}

Status PageSink::Finish(const RunTotals& totals, const StepFunction& step) {
  if (Status s = BuildTrees(step); !s.ok()) return s;

  // From here on the file is a database.
  if (Status s = OpenBuilt(); !s.ok()) return s;
  if (Status s = MakeTheRest(step); !s.ok()) return s;
  if (Status s = CloseBlueprint(totals); !s.ok()) return s;
  if (Status s = CopyBookkeeping(); !s.ok()) return s;
  step("statistics");
  if (Status s = WriteStatistics(); !s.ok()) return s;
  if (Status s = built_->Close(); !s.ok()) return s;

  step("publishing");
  if (Status s = target_->fresh_->Publish(); !s.ok()) return s;
  ended_ = true;
  return {};
}

Status PageSink::BuildTrees(const StepFunction& step) {
  Status built = builder_->BuildIndexes([&](const std::string& index) { step(StepOf(index)); });
  if (!built.ok()) return built;
  const Result<std::vector<SchemaEntry>> schema = BuiltSchema();
  if (!schema) return schema.error();
  if (Status s = builder_->Finish(*schema); !s.ok()) return s;
  statistics_ = builder_->Statistics();
  builder_.reset();  // nobody but SQLite has the file open now (I10)
  return {};
}

std::string PageSink::StepOf(const std::string& index) const {
  for (const Table* table : tables_) {
    for (size_t i = 0; i < table->indexes.size(); ++i) {
      if (table->indexes[i].name == index) return IndexStep(*table, i);
    }
  }
  return "index " + index;
}

// The tables and indexes that the builder wrote, as SQLite would store them.
Result<std::vector<SchemaEntry>> PageSink::BuiltSchema() {
  Result<Statement> query = blueprint_->Prepare(
      "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE type IN ('table', 'index')"
      " AND sql IS NOT NULL ORDER BY rowid");
  if (!query) return Error(query.error());
  std::vector<SchemaEntry> entries;
  for (;;) {
    const Result<bool> row = query->Step();
    if (!row) return Error(row.error());
    if (!*row) return entries;
    SchemaEntry entry{.type = std::string(query->Text(0)),
                      .name = std::string(query->Text(1)),
                      .table = std::string(query->Text(2)),
                      .sql = std::string(query->Text(3))};
    const bool is_table = entry.type == "table";
    if (is_table ? IsBuilt(entry.name) : IsBuilt(entry.table, entry.name)) {
      entries.push_back(std::move(entry));
    }
  }
}

bool PageSink::IsBuilt(std::string_view name) const {
  for (size_t i = 0; i < tables_.size(); ++i) {
    if (SameName(tables_[i]->name, name)) return number_[i].has_value();
  }
  return false;
}

bool PageSink::IsBuilt(std::string_view table_name, std::string_view index_name) const {
  if (!IsBuilt(table_name)) return false;
  for (const Table* table : tables_) {
    for (const Index& index : table->indexes) {
      if (index.name == index_name) return DatabaseBuilder::WhyNot(*table, index).empty();
    }
  }
  return false;
}

Status PageSink::OpenBuilt() {
  Result<Connection> connection =
      target_->OpenTemporary(target_->fresh_->temporary_path(), OpenOptions::Mode::kReadWrite);
  if (!connection) return connection.error();
  built_ = std::make_unique<Connection>(std::move(*connection));
  return PrepareToSort(*built_, options_.cache_bytes);
}

// What SQLite makes of the rows that are there now.
Status PageSink::MakeTheRest(const StepFunction& step) {
  Result<Transaction> transaction = Transaction::Begin(built_.get());
  if (!transaction) return transaction.error();
  for (const Table* table : tables_) {
    if (!IsBuilt(table->name)) {
      if (Status s = built_->Execute(CreateTableSql(*table)); !s.ok()) return s;
    }
    if (Status s = MakeIndexes(*table, step); !s.ok()) return s;
    for (const FullText& full_text : table->full_texts) {
      step("full text " + full_text.name);
      if (Status s = MakeFullText(*built_, *table, full_text); !s.ok()) return s;
    }
    for (const View& view : table->views) {
      if (Status s = MakeView(*built_, view); !s.ok()) return s;
    }
  }
  return transaction->Commit();
}

Status PageSink::MakeIndexes(const Table& table, const StepFunction& step) {
  for (size_t i = 0; i < table.indexes.size(); ++i) {
    if (IsBuilt(table.name, table.indexes[i].name)) continue;
    step(IndexStep(table, i));
    if (Status s = built_->Execute(CreateIndexSql(table, table.indexes[i])); !s.ok()) return s;
  }
  return {};
}

// Two connections may not have it open at once, so it is closed before the other attaches it.
Status PageSink::CloseBlueprint(const RunTotals& totals) {
  if (Status s = bookkeeping_.WriteRunEnd(totals); !s.ok()) return s;
  if (Status s = blueprint_transaction_->Commit(); !s.ok()) return s;
  blueprint_transaction_.reset();
  bookkeeping_.LeaveLedger();
  ledger_.reset();
  return blueprint_->Close();
}

Status PageSink::CopyBookkeeping() {
  const std::string path = target_->BlueprintPath();
  if (Status s = built_->Execute("ATTACH " + QuoteText(path) + " AS blueprint"); !s.ok()) return s;
  Result<Transaction> transaction = Transaction::Begin(built_.get());
  if (!transaction) return transaction.error();
  {
    Result<Statement> tables = built_->Prepare(
        "SELECT name, sql FROM blueprint.sqlite_schema WHERE type = 'table'"
        " AND substr(name, 1, 8) = '_sluice_' ORDER BY rowid");
    if (!tables) return tables.error();
    for (;;) {
      const Result<bool> row = tables->Step();
      if (!row) return row.error();
      if (!*row) break;
      Status s = CopyTable(std::string(tables->Text(0)), std::string(tables->Text(1)));
      if (!s.ok()) return s;
    }
  }
  if (Status s = transaction->Commit(); !s.ok()) return s;
  if (Status s = built_->Execute("DETACH blueprint"); !s.ok()) return s;
  return Remove(path);
}

// Their ids come with them: each is its table's primary key.
Status PageSink::CopyTable(const std::string& name, const std::string& sql) {
  if (Status s = built_->Execute(sql); !s.ok()) return s;
  return built_->Execute("INSERT INTO main." + QuoteName(name) + " SELECT * FROM blueprint." +
                         QuoteName(name));
}

// Of the builder's indexes exactly, by what it knows; of the others as SQLite finds them in 1,000
// rows of each, which takes milliseconds instead of a scan.
Status PageSink::WriteStatistics() {
  Result<Transaction> transaction = Transaction::Begin(built_.get());
  if (!transaction) return transaction.error();
  // Makes sqlite_stat1, and puts nothing into it.
  if (Status s = built_->Execute("PRAGMA analysis_limit=1000; ANALYZE sqlite_schema"); !s.ok())
    return s;
  const Result<std::vector<std::string>> others = MadeBySqlite();
  if (!others) return others.error();
  for (const std::string& name : *others) {
    if (Status s = built_->Execute("ANALYZE main." + QuoteName(name)); !s.ok()) return s;
  }
  Result<Statement> insert =
      built_->Prepare("INSERT INTO sqlite_stat1(tbl, idx, stat) VALUES (?1, nullif(?2, ''), ?3)");
  if (!insert) return insert.error();
  for (const IndexStatistics& statistics : statistics_) {
    insert->BindText(1, statistics.table);
    insert->BindText(2, statistics.index);
    insert->BindText(3, statistics.text);
    if (Status s = insert->Run(); !s.ok()) return s;
  }
  *insert = Statement();
  return transaction->Commit();
}

// Tables and indexes that have pages and are not the builder's.
Result<std::vector<std::string>> PageSink::MadeBySqlite() {
  Result<Statement> query = built_->Prepare(
      "SELECT type, name, tbl_name FROM sqlite_schema WHERE type IN ('table', 'index')"
      " AND rootpage > 0 AND substr(name, 1, 7) <> 'sqlite_' ORDER BY rowid");
  if (!query) return Error(query.error());
  std::vector<std::string> names;
  for (;;) {
    const Result<bool> row = query->Step();
    if (!row) return Error(row.error());
    if (!*row) return names;
    // ANALYZE of a table looks at its indexes too.
    const bool is_table = query->Text(0) == "table";
    const bool of_built = IsBuilt(query->Text(2));
    const bool wanted = is_table ? !of_built : of_built && !IsBuilt(query->Text(2), query->Text(1));
    if (wanted) names.emplace_back(query->Text(1));
  }
}

void PageSink::Abandon(const Status& why) {
  if (std::exchange(ended_, true)) return;
  bookkeeping_.WriteRunFailure(why, nullptr);
}

}  // namespace sluice
