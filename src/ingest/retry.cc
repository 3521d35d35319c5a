// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "base/clock.h"
#include "extract/extractor.h"
#include "ledger/ledger.h"
#include "schema/names.h"
#include "sink/sqlite_sink.h"
#include "sink/target_database.h"
#include "sluice/ingest.hpp"

namespace sluice {
namespace {

// The rejects of one database, with the tables and sources that they belong to as a sink wants
// them.
class Retry {
 public:
  explicit Retry(TargetDatabase* target) : target_(target) {}

  Result<RetrySummary> Run(const RetryOptions& options) {
    if (Status s = CollectSources(); !s.ok()) return Error(s);

    SqliteSink::Options sink_options;
    // Who is refused again has its row in the ledger already.
    sink_options.bookkeeping.rejects = RejectPolicy::kCount;
    sink_options.bookkeeping.run_journal = false;
    sink_options.bookkeeping.wait = {.longest = options.wait};
    std::vector<const Table*> tables;
    for (const std::unique_ptr<Table>& table : tables_) tables.push_back(table.get());
    Result<std::unique_ptr<SqliteSink>> sink =
        SqliteSink::Open(target_, tables, sources_, sink_options);
    if (!sink) return Error(sink.error());

    RetrySummary summary;
    if (Status s = TryAll(options, sink->get(), &summary); !s.ok()) return Error(s);
    if (Status s = (*sink)->Commit({}); !s.ok()) return Error(s);
    if (Status s = (*sink)->Finish({}, [](const std::string&) {}); !s.ok()) return Error(s);
    return summary;
  }

 private:
  Status CollectSources() {
    Result<std::vector<SourceRow>> rows = target_->Sources();
    if (!rows) return rows.error();
    std::map<std::string, uint32_t> table_index;
    for (SourceRow& row : *rows) {
      const auto [place, is_new] =
          table_index.try_emplace(row.table, static_cast<uint32_t>(tables_.size()));
      if (is_new) {
        Result<std::optional<Table>> table = target_->StoredTable(row.table);
        if (!table) return table.error();
        if (!table->has_value())
          return Status::Internal("no schema is stored for the table " + row.table);
        tables_.push_back(std::make_unique<Table>(std::move(**table)));
        extractors_.emplace_back(*tables_.back());
      }
      source_index_[row.source.id] = static_cast<uint32_t>(sources_.size());
      sources_.push_back(
          {.key = row.source.key, .table = place->second, .known_id = row.source.id});
    }
    return {};
  }

  // A page at a time: there may be millions, each with its line.
  Status TryAll(const RetryOptions& options, Sink* sink, RetrySummary* summary) {
    RejectFilter page;
    for (;;) {
      const Result<std::vector<RejectRow>> rejects = target_->ledger()->Rejects(page);
      if (!rejects) return rejects.error();
      if (rejects->empty()) return {};
      for (const RejectRow& reject : *rejects) {
        if (!options.table.empty() && !SameName(reject.table, options.table)) continue;
        if (Status s = TryOne(reject, sink, summary); !s.ok()) return s;
      }
      page.after_id = rejects->back().id;
    }
  }

  Status TryOne(const RejectRow& reject, Sink* sink, RetrySummary* summary) {
    ++summary->tried;
    if (reject.length > reject.line.size()) {
      ++summary->cut_off;
      return {};
    }
    const uint32_t source = source_index_.at(reject.source_id);
    const uint32_t table = sources_[source].table;
    bytes_.Grow(reject.line.size(), 0);
    std::memcpy(bytes_.data(), reject.line.data(), reject.line.size());

    batch_.Clear();
    batch_.table = tables_[table].get();
    batch_.source = source;
    batch_.counts.lines = 1;
    batch_.lines.push_back(
        {{bytes_.data(), reject.line.size()}, reject.line_number, reject.byte_offset});
    extractors_[table].Extract({.source_path = reject.source_path, .ingested_at = now_}, &batch_);
    const Result<bool> commits_each_line = sink->CommitsEachLine(source);
    if (!commits_each_line) return commits_each_line.error();
    if (*commits_each_line) {
      if (Status s = sink->Commit({}); !s.ok()) return s;
    }
    if (Status s = sink->Write(&batch_); !s.ok()) return s;
    if (batch_.counts.rejects == 0) {
      ++summary->rows;
      if (Status s = target_->ledger()->TurnRejectIntoRow(reject); !s.ok()) return s;
    }
    return *commits_each_line ? sink->Commit({}) : Status();
  }

  TargetDatabase* target_;
  const std::string now_ = UtcNow();
  std::vector<std::unique_ptr<Table>> tables_;
  std::vector<Extractor> extractors_;  // by table
  std::vector<SinkSource> sources_;
  std::map<int64_t, uint32_t> source_index_;  // by the id in _sluice_sources
  Buffer bytes_{size_t{64} << 10};
  RowBatch batch_;
};

}  // namespace

Result<RetrySummary> RetryRejects(const RetryOptions& options) {
  Result<FileInfo> there = Stat(options.database);
  if (!there) return Error(there.error());
  Result<std::unique_ptr<TargetDatabase>> target =
      TargetDatabase::Open(options.database, {.wait = {.longest = options.wait}});
  if (!target) return Error(target.error());
  if ((*target)->ledger() == nullptr) {
    return Error(
        Status::NotFound(options.database + " has no rejects: sluice has not written to it"));
  }
  return Retry(target->get()).Run(options);
}

}  // namespace sluice
