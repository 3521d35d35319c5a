// SPDX-License-Identifier: Apache-2.0
#include "source/pipe_reader.h"

#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "source/resting_pipe.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

class PipeReaderTest : public testing::Test {
 protected:
  PipeReaderTest() {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    reader_.emplace(ends[0], "", "", size_t{4} << 10, uint64_t{2} << 20);
    writing_ = ends[1];
  }
  ~PipeReaderTest() override { CloseWriting(); }

  void Write(std::string_view text) {
    ASSERT_EQ(write(writing_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ASSERT_TRUE(reader_->Fill().ok());
  }
  void CloseWriting() {
    if (writing_ >= 0) close(writing_);
    writing_ = -1;
  }
  std::string Take() {
    Chunk chunk;
    if (!reader_->Next(offset_, &chunk)) return "nothing";
    std::string data(chunk.data);
    offset_ = OffsetIn(chunk, data.size(), offset_.lines + chunk.newlines, false);
    return data;
  }
  void Commit() {
    reader_->Committed();
    committed_ = offset_;
  }

  std::optional<PipeReader> reader_;
  int writing_ = -1;
  Offset offset_;
  Offset committed_;
};

TEST_F(PipeReaderTest, GivesOutWholeLinesAndKeepsThemUntilTheCommit) {
  Write("one\ntwo\nthr");
  EXPECT_EQ(Take(), "one\ntwo\n");
  EXPECT_EQ(Take(), "nothing");
  reader_->GoBack();
  offset_ = committed_;
  EXPECT_EQ(Take(), "one\ntwo\n");
  Commit();
  Write("ee\n");
  EXPECT_EQ(Take(), "three\n");
  EXPECT_EQ(offset_.bytes, 14u);
  EXPECT_EQ(offset_.lines, 3u);
  EXPECT_EQ(offset_.tail, HashOf("one\ntwo\nthree\n"));
}

TEST_F(PipeReaderTest, OffersTheLastLineAtTheEnd) {
  Write("one\ntwo");
  CloseWriting();
  ASSERT_TRUE(reader_->Fill().ok());
  EXPECT_EQ(Take(), "one\ntwo");
  EXPECT_TRUE(reader_->done());
}

TEST_F(PipeReaderTest, WaitsForTheCommitWhenItIsFull) {
  const std::string line(1000, 'x');
  for (int i = 0; i < 4; ++i) Write(line + "\n");
  EXPECT_EQ(Take().size(), 4004u);
  Write(line.substr(0, 92));
  EXPECT_TRUE(reader_->IsFull());
  EXPECT_FALSE(reader_->WantsMore());
  Commit();
  EXPECT_TRUE(reader_->WantsMore());
  Write("y\n");
  EXPECT_EQ(Take(), line.substr(0, 92) + "y\n");
}

TEST_F(PipeReaderTest, HandsOverWhatIsNotCommitted) {
  Write("one\ntwo\nthr");
  EXPECT_EQ(Take(), "one\ntwo\n");
  Commit();
  const PipeHandOver hand_over = reader_->HandOver();
  EXPECT_EQ(hand_over.window, "one\ntwo\n");
  EXPECT_EQ(hand_over.tail, "thr");
}

TEST_F(PipeReaderTest, OfALineBeyondTheLimitTheBeginningIsKept) {
  Write("one\n");
  EXPECT_EQ(Take(), "one\n");
  Commit();
  const std::string part(size_t{4} << 10, 'x');
  uint64_t length = 0;
  while (length < (uint64_t{3} << 20)) {
    Write(part);
    length += part.size();
  }
  Write("\ntwo\n");
  Chunk chunk;
  ASSERT_TRUE(reader_->Next(offset_, &chunk));
  EXPECT_EQ(chunk.oversize_length, length);
  EXPECT_EQ(chunk.data.size(), ChunkReader::kOversizeKept);
  offset_ = OffsetIn(chunk, chunk.data.size(), offset_.lines + 1, false);
  Commit();
  EXPECT_EQ(Take(), "two\n");
  EXPECT_EQ(offset_.bytes, 4 + length + 1 + 4);
}

// A source that says what it is told to, piece by piece.
class Pieces final : public Source {
 public:
  explicit Pieces(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  Result<size_t> Read(char* to, size_t) override {
    if (next_ == pieces_.size()) return size_t{0};
    return pieces_[next_++].copy(to, std::string::npos);
  }
  const SourceKey& key() const override { return key_; }
  uint64_t stored_bytes_read() const override { return 0; }
  uint64_t stored_size() const override { return 0; }
  bool rereadable() const override { return false; }
  bool may_grow() const override { return false; }

 private:
  const SourceKey key_{.path = "-"};
  std::vector<std::string> pieces_;
  size_t next_ = 0;
};

TEST(RestingPipe, HandsOutWholeLinesAndKeepsTheUnfinishedOne) {
  PipeHandOver hand_over{.longest = milliseconds(0)};
  RestingPipe pipe(std::make_unique<Pieces>(std::vector<std::string>{"on", "e\ntw", "o\n"}),
                   nullptr, &hand_over);
  char bytes[100];
  const Result<size_t> first = pipe.Read(bytes, sizeof(bytes));
  EXPECT_EQ(std::string(bytes, *first), "one\n");
  EXPECT_EQ(*pipe.Read(bytes, sizeof(bytes)), 0u) << "it is over: the longest time is none";
  EXPECT_TRUE(hand_over.rests);
  EXPECT_EQ(hand_over.window, "one\n");
  EXPECT_EQ(hand_over.tail, "tw");
}

}  // namespace
}  // namespace sluice
