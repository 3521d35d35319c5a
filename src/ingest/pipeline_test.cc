// SPDX-License-Identifier: Apache-2.0
#include "ingest/pipeline.h"

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "source/open.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

// Remembers what it was given to encode, and may fail.
class EncodingSink final : public Sink {
 public:
  // The first row of every batch is refused.
  void Screen(RowBatch* batch) override {
    if (batch->rows() == 0) return;
    batch->row_lines.erase(batch->row_lines.begin());
    --batch->counts.rows;
    ++batch->counts.rejects;
  }
  Status Encode(RowBatch* batch, unsigned thread) override {
    const std::lock_guard lock(mutex_);
    encoded_[batch->sequence] = {batch->first_rowid, batch->rows()};
    ascending_ = ascending_ && (!last_.contains(thread) || last_[thread] < batch->sequence);
    last_[thread] = batch->sequence;
    return batch->sequence == fail_at_ ? Status::Internal("the sink fails") : Status();
  }
  Status Write(RowBatch*) override { return {}; }
  Status AddColumns(uint32_t, const Table&) override { return {}; }
  Status Commit(std::span<const SourceProgress>) override { return {}; }
  Status Finish(const RunTotals&, const StepFunction&) override { return {}; }
  void Abandon(const Status&) override {}

  struct Encoded {
    int64_t first_rowid;
    size_t rows;
  };
  std::map<uint64_t, Encoded> encoded() {
    const std::lock_guard lock(mutex_);
    return encoded_;
  }
  bool ascending() const { return ascending_; }  // after all threads have ended
  void FailAt(uint64_t sequence) { fail_at_ = sequence; }

 private:
  std::mutex mutex_;
  std::map<uint64_t, Encoded> encoded_;  // by sequence
  std::map<unsigned, uint64_t> last_;    // by thread
  bool ascending_ = true;
  uint64_t fail_at_ = UINT64_MAX;
};

constexpr int kSources = 4;
constexpr int kLines = 3000;
constexpr unsigned kParsers = 3;

class PipelineTest : public testing::Test {
 protected:
  // Sources of two tables in turn; the third cannot be read.
  PipelineTest() {
    for (int i = 0; i < kSources; ++i) {
      const std::string name = "log" + std::to_string(i) + ".jsonl";
      std::string text;
      for (int line = 0; line < kLines; ++line) {
        text += "{\"n\":" + std::to_string(line) + "}\n";
      }
      if (i != 2) folder_.Write(name, text);
      PipelineSource source;
      source.path = folder_ / name;
      source.table = static_cast<uint32_t>(i % 2);
      source.open = [path = source.path] { return OpenSource(path, nullptr); };
      sources_.push_back(std::move(source));
    }
  }

  static std::vector<Table> TwoTables() {
    Table table = *ParseSchema("table = \"t\"\n[[column]]\nname = \"n\"\nfrom = \"/n\"\n", "t");
    return {table, table};
  }

  static Pipeline::Options Options(bool encode_ahead) {
    return {.parsers = kParsers,
            .buffers = 6,
            .buffer_bytes = size_t{1} << 12,
            .encode_ahead = encode_ahead};
  }

  static std::unique_ptr<Parcel> Next(Pipeline* pipeline) {
    return pipeline->NextInOrder(std::chrono::steady_clock::now() + std::chrono::seconds(60));
  }

  TemporaryDirectory folder_;
  std::vector<PipelineSource> sources_;
  LiveTables tables_{TwoTables()};
  const StopToken stop_;
};

TEST_F(PipelineTest, RowidsFollowTheInputWhoeverEncodes) {
  for (const bool ahead : {true, false}) {
    EncodingSink sink;
    std::vector<int64_t> next = {1, 1};
    size_t failed = 0;
    {
      Pipeline pipeline(sources_, tables_, &sink, stop_, Options(ahead));
      while (std::unique_ptr<Parcel> parcel = Next(&pipeline)) {
        if (!parcel->read_status.ok()) {
          ++failed;
        } else {
          ASSERT_TRUE(pipeline.EncodeUnlessAhead(parcel.get()).ok());
          const uint32_t table = sources_[parcel->source].table;
          const EncodingSink::Encoded encoded = sink.encoded().at(parcel->sequence);
          EXPECT_EQ(encoded.first_rowid, next[table]);
          EXPECT_EQ(encoded.rows, parcel->batch.rows());
          next[table] += static_cast<int64_t>(encoded.rows);
        }
        pipeline.Release(std::move(parcel));
      }
      EXPECT_TRUE(pipeline.ended());
    }
    EXPECT_EQ(failed, 1u);
    EXPECT_TRUE(sink.ascending());
    const auto batches = static_cast<int64_t>(sink.encoded().size());
    EXPECT_GT(batches, 20);
    EXPECT_EQ(next[0] - 1 + next[1] - 1, 3 * kLines - batches);
  }
}

TEST_F(PipelineTest, AFailedEncodingComesWithItsParcel) {
  EncodingSink sink;
  sink.FailAt(7);
  Pipeline pipeline(sources_, tables_, &sink, stop_, Options(true));
  for (uint64_t i = 0; i < 9; ++i) {
    std::unique_ptr<Parcel> parcel = Next(&pipeline);
    ASSERT_NE(parcel, nullptr);
    EXPECT_EQ(pipeline.EncodeUnlessAhead(parcel.get()).ok(), i != 7);
    pipeline.Release(std::move(parcel));
  }
}

// Threads that wait for their turn, for a buffer, or for work all come to their end.
TEST_F(PipelineTest, CanBeTornDownAtAnyParcel) {
  for (int taken = 0; taken < 20; ++taken) {
    EncodingSink sink;
    Pipeline pipeline(sources_, tables_, &sink, stop_, Options(true));
    for (int i = 0; i < taken; ++i) pipeline.Release(Next(&pipeline));
  }
}

}  // namespace
}  // namespace sluice
