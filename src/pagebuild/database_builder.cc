// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/database_builder.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "pagebuild/block_pool.h"
#include "pagebuild/index_builder.h"
#include "pagebuild/index_streams.h"
#include "pagebuild/key_collector.h"
#include "pagebuild/key_feed.h"
#include "pagebuild/key_merge.h"
#include "pagebuild/key_run.h"
#include "pagebuild/page_file.h"
#include "pagebuild/row_encoder.h"
#include "pagebuild/run_space.h"
#include "pagebuild/screen.h"
#include "pagebuild/table_builder.h"
#include "schema/declared_type.h"
#include "schema/names.h"

namespace sluice {
namespace {

// What the pages of a batch will take: a table that keeps each line beside its values takes nearly
// twice its input. A batch that one huge line made larger than others grows as it needs.
uint64_t ExpectedPageBytes(const RowBatch& batch) {
  constexpr uint64_t kMost = uint64_t{2} << 20;
  return std::min(2 * batch.decoded_bytes, kMost);
}

// Where the column stands in the table.
std::optional<size_t> FindColumn(const Table& table, const std::string& name) {
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (SameName(table.columns[i].name, name)) return i;
  }
  return std::nullopt;
}

// An index that is built here.
struct IndexPlan {
  std::string table;
  std::string name;
  KeyColumns columns;
  IndexRuns runs;
  std::string statistics;
  uint32_t root = 0;
};

// What one thread needs to encode the rows of one table.
struct TableEncoder {
  const Table* table = nullptr;  // the version that `rows` is for
  std::optional<RowEncoder> rows;
  std::vector<KeyFeed> indexes;
};

}  // namespace

class DatabaseBuilder::Impl {
 public:
  Impl(const Options& options, PageFile file)
      : options_(options),
        file_(std::move(file)),
        pool_(file_.format()),
        space_(options.memory_bytes / 4, options.path + "-keys"),
        encoders_(options.threads) {}

  void AddTable(const Table& table);
  void Screen(RowBatch* batch) { screen_.Screen(batch); }
  Status Encode(uint32_t table_index, unsigned thread, RowBatch* batch);
  Status Write(uint32_t table_index, RowBatch* batch);
  Status BuildIndexes(const std::function<void(const std::string& index)>& step);
  Status Finish(std::span<const SchemaEntry> schema);
  std::vector<IndexStatistics> Statistics() const;

 private:
  struct BuiltTable {
    std::string name;
    std::unique_ptr<TableBuilder> builder;
    std::vector<IndexPlan*> indexes;
  };

  TableEncoder& EncoderFor(uint32_t table_index, unsigned thread, const Table& table);
  size_t CollectorBytes() const;
  static void EncodeRow(RowEncoder* rows, RowBatch* batch, size_t row, EncodedBatch* encoded,
                        TableLeaves* leaves);
  Status FinishCollecting();
  static Status FinishCollectorsOf(std::vector<TableEncoder>& of_thread);
  std::unique_ptr<IndexBuilder> OpenIndex(size_t index);
  Status WriteIndexes(const std::function<void(const std::string& index)>& step);
  Result<uint32_t> RootOf(const SchemaEntry& entry) const;

  const Options options_;
  PageFile file_;
  RowScreen screen_;
  BlockPool pool_;
  RunSpace space_;  // of the keys; outlives the runs
  std::vector<BuiltTable> tables_;
  std::vector<std::unique_ptr<IndexPlan>> indexes_;  // in the order of the schema
  std::vector<std::vector<TableEncoder>> encoders_;  // by thread and table
};

void DatabaseBuilder::Impl::AddTable(const Table& table) {
  BuiltTable& built = tables_.emplace_back();
  built.name = table.name;
  built.builder = std::make_unique<TableBuilder>(&file_, &pool_);
  for (const Index& index : table.indexes) {
    if (!WhyNot(table, index).empty()) continue;
    auto plan = std::make_unique<IndexPlan>();
    plan->table = table.name;
    plan->name = index.name;
    for (const std::string& name : index.columns) {
      plan->columns.push_back(FindColumn(table, name).value());
    }
    built.indexes.push_back(plan.get());
    indexes_.push_back(std::move(plan));
  }
  for (std::vector<TableEncoder>& of_thread : encoders_) of_thread.resize(tables_.size());
}

// A quarter of the memory is for keys that are being collected, in as many places at once as there
// are indexes and threads.
size_t DatabaseBuilder::Impl::CollectorBytes() const {
  constexpr uint64_t kLeast = uint64_t{256} << 10;
  const uint64_t places = std::max<uint64_t>(indexes_.size() * options_.threads, 1);
  return static_cast<size_t>(std::max(options_.memory_bytes / 4 / places, kLeast));
}

TableEncoder& DatabaseBuilder::Impl::EncoderFor(uint32_t table_index, unsigned thread,
                                                const Table& table) {
  TableEncoder& encoder = encoders_[thread][table_index];
  if (encoder.table == &table) return encoder;
  // The first batch of this thread, or the table has got more columns behind those it had.
  encoder.table = &table;
  encoder.rows.emplace(table, options_.format_real);
  if (!encoder.indexes.empty()) return encoder;
  for (IndexPlan* index : tables_[table_index].indexes) {
    const KeyCollector::Options options{.columns = index->columns.size(),
                                        .memory_bytes = CollectorBytes()};
    encoder.indexes.emplace_back(&index->columns, KeyCollector(&space_, &index->runs, options));
  }
  return encoder;
}

Status DatabaseBuilder::Impl::Encode(uint32_t table_index, unsigned thread, RowBatch* batch) {
  TableEncoder& encoder = EncoderFor(table_index, thread, *batch->table);
  auto encoded = std::make_unique<EncodedBatch>();
  std::optional<TableLeaves> leaves;
  if (batch->decoded_bytes >= EncodedBatch::kSmallBatch) {
    encoded->block = pool_.Take();
    encoded->block->Reserve(ExpectedPageBytes(*batch) / file_.format().page_size);
    leaves.emplace(encoded->block.get());
  }
  // Some rows at a time, whose keys are taken while their cells are in the cache.
  constexpr size_t kRowsAtOnce = 128;
  for (size_t begin = 0; begin < batch->rows(); begin += kRowsAtOnce) {
    const size_t end = std::min(begin + kRowsAtOnce, batch->rows());
    for (size_t row = begin; row < end; ++row) {
      EncodeRow(&*encoder.rows, batch, row, encoded.get(), leaves ? &*leaves : nullptr);
    }
    for (KeyFeed& index : encoder.indexes) index.Add(*batch, begin, end);
  }
  if (leaves) leaves->Close();
  for (const KeyFeed& index : encoder.indexes) {
    if (!index.status().ok()) return index.status();
  }
  batch->encoded = std::move(encoded);
  return {};
}

void DatabaseBuilder::Impl::EncodeRow(RowEncoder* rows, RowBatch* batch, size_t row,
                                      EncodedBatch* encoded, TableLeaves* leaves) {
  rows->Take(batch->row(row), &batch->arena);
  const int64_t rowid = batch->first_rowid + static_cast<int64_t>(row);
  if (leaves != nullptr) {
    leaves->Append(rowid, rows->size(), [rows](char* to) { rows->Write(to); });
    return;
  }
  const size_t begin = encoded->bytes.size();
  encoded->bytes.resize(begin + rows->size());
  rows->Write(encoded->bytes.data() + begin);
  encoded->records.push_back({rowid, rows->size()});
}

Status DatabaseBuilder::Impl::Write(uint32_t table_index, RowBatch* batch) {
  return tables_[table_index].builder->Write(static_cast<EncodedBatch*>(batch->encoded.get()));
}

Status DatabaseBuilder::Impl::BuildIndexes(
    const std::function<void(const std::string& index)>& step) {
  for (BuiltTable& table : tables_) {
    if (Status s = table.builder->Finish(); !s.ok()) return s;
  }
  if (Status s = FinishCollecting(); !s.ok()) return s;
  return WriteIndexes(step);
}

// Each thread's last segments are sorted on a thread of their own, as they would have been there.
Status DatabaseBuilder::Impl::FinishCollecting() {
  std::vector<Status> finished(encoders_.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < encoders_.size(); ++i) {
    threads.emplace_back([this, i, &finished] { finished[i] = FinishCollectorsOf(encoders_[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  encoders_.clear();  // and their memory
  for (const Status& status : finished) {
    if (!status.ok()) return status;
  }
  return {};
}

Status DatabaseBuilder::Impl::FinishCollectorsOf(std::vector<TableEncoder>& of_thread) {
  for (TableEncoder& encoder : of_thread) {
    for (KeyFeed& index : encoder.indexes) {
      if (Status s = index.Finish(); !s.ok()) return s;
    }
  }
  return {};
}

std::unique_ptr<IndexBuilder> DatabaseBuilder::Impl::OpenIndex(size_t index) {
  IndexPlan& plan = *indexes_[index];
  return std::make_unique<IndexBuilder>(
      plan.runs.Take(), &space_,
      KeyMerge::Options{.columns = plan.columns.size(),
                        .read_bytes = options_.memory_bytes / 4 / IndexStreams::kWindow});
}

Status DatabaseBuilder::Impl::WriteIndexes(
    const std::function<void(const std::string& index)>& step) {
  IndexStreams streams(indexes_.size(), options_.threads, &pool_,
                       [this](size_t index) { return OpenIndex(index); });
  std::vector<std::unique_ptr<TreeWriter>> trees(indexes_.size());
  for (;;) {
    Result<IndexStreams::Piece> piece = streams.Next();
    if (!piece) return piece.error();
    if (piece->block == nullptr) return {};
    IndexPlan& plan = *indexes_[piece->index];
    std::unique_ptr<TreeWriter>& tree = trees[piece->index];
    if (tree == nullptr) {
      step(plan.name);
      tree = std::make_unique<TreeWriter>(&file_, PageType::kIndexInterior);
    }
    if (Status s = tree->Write(piece->block.get()); !s.ok()) return s;
    pool_.Return(std::move(piece->block));
    if (!piece->ends) continue;
    if (Status s = tree->Finish(); !s.ok()) return s;
    plan.root = tree->root();
    plan.statistics = std::move(piece->statistics);
  }
}

Status DatabaseBuilder::Impl::Finish(std::span<const SchemaEntry> schema) {
  std::vector<SchemaRoot> roots;
  for (const SchemaEntry& entry : schema) {
    const Result<uint32_t> root = RootOf(entry);
    if (!root) return root.error();
    roots.push_back({&entry, *root});
  }
  return WriteSchema(roots, &file_);
}

Result<uint32_t> DatabaseBuilder::Impl::RootOf(const SchemaEntry& entry) const {
  for (const BuiltTable& table : tables_) {
    if (entry.type == "table" && table.name == entry.name) return table.builder->root();
  }
  for (const std::unique_ptr<IndexPlan>& index : indexes_) {
    if (entry.type == "index" && index->name == entry.name) return index->root;
  }
  return Error(Status::Internal("no tree was built for the " + entry.type + " " + entry.name));
}

std::vector<IndexStatistics> DatabaseBuilder::Impl::Statistics() const {
  std::vector<IndexStatistics> statistics;
  for (const BuiltTable& table : tables_) {
    const uint64_t rows = table.builder->rows();
    if (rows == 0) continue;  // ANALYZE says nothing of an empty table
    if (table.indexes.empty()) statistics.push_back({table.name, "", std::to_string(rows)});
    for (const IndexPlan* index : table.indexes) {
      statistics.push_back({table.name, index->name, index->statistics});
    }
  }
  return statistics;
}

Result<std::unique_ptr<DatabaseBuilder>> DatabaseBuilder::Create(const Options& options) {
  Result<PageFile> file = PageFile::Create(options.path, PageFormat(options.page_size));
  if (!file) return Error(file.error());
  return std::unique_ptr<DatabaseBuilder>(
      new DatabaseBuilder(std::make_unique<Impl>(options, std::move(*file))));
}

DatabaseBuilder::DatabaseBuilder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DatabaseBuilder::~DatabaseBuilder() = default;

std::string DatabaseBuilder::WhyNot(const Table& table) {
  if (!table.primary_key.empty()) return "--pk needs SQLite to find rows that are there already";
  for (const Index& index : table.indexes) {
    if (index.unique) return "the unique index " + index.name + " needs SQLite to refuse rows";
  }
  return {};
}

std::string DatabaseBuilder::WhyNot(const Table& table, const Index& index) {
  for (const std::string& name : index.columns) {
    const std::optional<size_t> column = FindColumn(table, name);
    if (!column) return name + " is the key of the table itself";
    const std::string collation = RulesOf(table.columns[*column].declared_type).collation;
    if (collation != "BINARY") return name + " is ordered by COLLATE " + collation;
  }
  return {};
}

void DatabaseBuilder::AddTable(const Table& table) { impl_->AddTable(table); }
void DatabaseBuilder::Screen(RowBatch* batch) const { impl_->Screen(batch); }
Status DatabaseBuilder::Encode(uint32_t table_index, unsigned thread, RowBatch* batch) {
  return impl_->Encode(table_index, thread, batch);
}
Status DatabaseBuilder::Write(uint32_t table_index, RowBatch* batch) {
  return impl_->Write(table_index, batch);
}
Status DatabaseBuilder::BuildIndexes(const std::function<void(const std::string& index)>& step) {
  return impl_->BuildIndexes(step);
}
Status DatabaseBuilder::Finish(std::span<const SchemaEntry> schema) {
  return impl_->Finish(schema);
}
std::vector<IndexStatistics> DatabaseBuilder::Statistics() const { return impl_->Statistics(); }

}  // namespace sluice
