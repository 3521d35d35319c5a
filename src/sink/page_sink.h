// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pagebuild/database_builder.h"
#include "sink/bookkeeping.h"
#include "sink/sink.h"
#include "sink/target_database.h"
#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// A sink for a database that is made from nothing: its tables and indexes are written as pages, by
// all threads; what remains is left to SQLite.
//
//   Open     the blueprint: a small SQLite database beside the new one, in which SQLite makes all
//            tables, indexes and views. So it judges the schema before the first row. It keeps
//            offsets, rejects and the run journal while the rows go to the builder.
//   Write    pages to the new file, rejects to the blueprint
//   Finish   the trees of the indexes, and page 1 with the blueprint's schema. From here on the
//            new file is a database, which SQLite opens: statistics, views, full text, indexes that
//            only SQLite can make, and the bookkeeping, copied from the blueprint. It is closed,
//            and published (I6).
//
// Durability: nothing is durable before it is published, so a Commit only says how far the run is.
class PageSink final : public Sink {
 public:
  struct Options {
    uint64_t builder_bytes = uint64_t{64} << 20;  // DatabaseBuilder::Options::memory_bytes
    uint64_t cache_bytes = uint64_t{64} << 20;    // of SQLite, when the builder is through
    unsigned threads = 1;                         // that call Encode
    Bookkeeping::Options bookkeeping;
  };

  // Why rows of these tables need SQLite's own path; "" where they do not. Tables without a source
  // stay empty: SQLite makes them whatever they are.
  static std::string WhyNot(const std::vector<const Table*>& tables,
                            const std::vector<SinkSource>& sources);

  // Lifetime: target, tables and sources outlive the sink.
  static Result<std::unique_ptr<Sink>> Open(TargetDatabase* target,
                                            std::vector<const Table*> tables,
                                            std::vector<SinkSource> sources, Options options);
  ~PageSink() override;

  void Screen(RowBatch* batch) override;
  Status Encode(RowBatch* batch, unsigned thread) override;
  Status Write(RowBatch* batch) override;
  Status AddColumns(uint32_t table_index, const Table& table) override;
  Status Commit(std::span<const SourceProgress> progress) override;
  Status Finish(const RunTotals& totals, const StepFunction& step) override;
  void Abandon(const Status& why) override;

 private:
  PageSink(TargetDatabase* target, std::vector<const Table*> tables,
           std::vector<SinkSource> sources, Options options);
  Status DrawBlueprint();
  Status StartBuilder();
  // As the builder counts it.
  uint32_t TableOf(const RowBatch& batch) const { return *number_[table_of_source_[batch.source]]; }

  // The steps of Finish, in this order.
  Status BuildTrees(const StepFunction& step);
  Status OpenBuilt();
  Status MakeTheRest(const StepFunction& step);
  Status CloseBlueprint(const RunTotals& totals);
  Status CopyBookkeeping();
  Status WriteStatistics();

  Result<std::vector<SchemaEntry>> BuiltSchema();
  std::string StepOf(const std::string& index) const;
  // Whether the builder writes the tree of this table, or index of a table.
  bool IsBuilt(std::string_view table) const;
  bool IsBuilt(std::string_view table, std::string_view index) const;
  Result<std::vector<std::string>> MadeBySqlite();
  Status MakeIndexes(const Table& table, const StepFunction& step);
  Status CopyTable(const std::string& name, const std::string& sql);

  TargetDatabase* target_;
  std::vector<const Table*> tables_;
  const std::vector<uint32_t> table_of_source_;
  std::vector<std::optional<uint32_t>> number_;  // of each table in the builder
  Options options_;

  std::unique_ptr<Connection> blueprint_;
  std::optional<Transaction> blueprint_transaction_;
  std::unique_ptr<Ledger> ledger_;  // in the blueprint
  Bookkeeping bookkeeping_;

  std::unique_ptr<DatabaseBuilder> builder_;
  std::vector<IndexStatistics> statistics_;
  std::unique_ptr<Connection> built_;  // the new database, once its pages are written
  bool ended_ = false;                 // finished or abandoned
};

}  // namespace sluice
