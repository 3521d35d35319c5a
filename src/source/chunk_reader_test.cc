// SPDX-License-Identifier: Apache-2.0
#include "source/chunk_reader.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "source/open.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

constexpr uint64_t kMaxLine = 64 << 20;
constexpr size_t kKept = ChunkReader::kOversizeKept;

// Text in memory that is read a few bytes at a time, and perhaps fails at its end.
class TextSource : public Source {
 public:
  explicit TextSource(std::string_view text, size_t step = SIZE_MAX) : text_(text), step_(step) {}

  Result<size_t> Read(char* to, size_t size) override {
    if (at_ == text_.size() && !failure_.ok()) return Error(failure_);
    const size_t count = std::min({size, step_, text_.size() - at_});
    std::memcpy(to, text_.data() + at_, count);
    at_ += count;
    return count;
  }
  const SourceKey& key() const override { return key_; }
  uint64_t stored_bytes_read() const override { return at_; }
  uint64_t stored_size() const override { return text_.size(); }
  bool rereadable() const override { return !is_pipe_; }
  bool may_grow() const override { return false; }

  void FailAtTheEnd(Status failure) { failure_ = std::move(failure); }
  void BeAPipe() { is_pipe_ = true; }

 private:
  std::string_view text_;
  size_t step_;
  size_t at_ = 0;
  bool is_pipe_ = false;
  Status failure_;
  SourceKey key_{.path = "text", .device = 0, .inode = 0};
};

// Checks every field of a chunk against the text that it was cut from.
void ExpectTrue(const Chunk& chunk, std::string_view text) {
  ASSERT_LE(chunk.end(), text.size());
  const std::string_view until = text.substr(0, chunk.end());
  EXPECT_EQ(chunk.data, text.substr(chunk.offset, chunk.data.size()));
  const size_t window = std::min<size_t>(chunk.offset, kIdentityWindow);
  EXPECT_EQ(chunk.before, text.substr(chunk.offset - window, window));
  EXPECT_EQ(chunk.first_line, CountNewlines(text.substr(0, chunk.offset)) + 1);
  EXPECT_EQ(chunk.newlines, CountNewlines(until.substr(chunk.offset)));
  EXPECT_EQ(chunk.head, HashOf(until.substr(0, kIdentityWindow)));
  EXPECT_TRUE(chunk.ends_source || until.back() == '\n');
}

Offset TrueOffset(std::string_view text, size_t bytes) {
  const size_t window = std::min(bytes, kIdentityWindow);
  return {.bytes = bytes,
          .lines = CountNewlines(text.substr(0, bytes)),
          .tail_taken = false,
          .head = HashOf(text.substr(0, window)),
          .tail = HashOf(text.substr(bytes - window, window))};
}

// The ends of all chunks.
std::vector<uint64_t> ReadAll(Source& source, std::string_view text, size_t buffer_size,
                              uint64_t max_line = kMaxLine) {
  BufferPool pool(1, buffer_size);
  ChunkReader reader(source, pool, max_line, {});
  std::vector<uint64_t> ends;
  for (;;) {
    const Result<Chunk> chunk = reader.Next();
    if (!chunk) {
      ADD_FAILURE() << chunk.error().message();
      return ends;
    }
    EXPECT_EQ(chunk->offset, ends.empty() ? 0 : ends.back());
    ExpectTrue(*chunk, text);
    ends.push_back(chunk->end());
    if (chunk->ends_source) return ends;
  }
}

std::string SomeLines(size_t count, size_t longest) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text.append(i * 7919 % longest, static_cast<char>('a' + i % 26));
    text += '\n';
  }
  return text;
}

TEST(CountNewlinesTest, AgreesWithAPlainCount) {
  const std::string text = SomeLines(3'000, 90) + std::string(70'000, '\n') + "end";
  for (size_t from : std::vector<size_t>{0, 1, 3, 63, 64, 65}) {
    for (size_t length : std::vector<size_t>{0, 1, 63, 64, 65, 127, 128, 16'320, 16'384, 100'000}) {
      const std::string_view part = std::string_view(text).substr(from, length);
      EXPECT_EQ(CountNewlines(part),
                static_cast<uint64_t>(std::count(part.begin(), part.end(), '\n')));
    }
  }
}

TEST(ChunkReaderTest, EveryChunkSizeAndEveryStep) {
  for (const std::string& text : {SomeLines(60, 50), SomeLines(60, 50) + "no newline at the end",
                                  std::string("\n\n\n"), std::string("x"), std::string()}) {
    for (size_t buffer_size = 1; buffer_size <= kIdentityWindow + 60; ++buffer_size) {
      // The window before a chunk takes kIdentityWindow bytes of a buffer, once there are so many.
      TextSource source(text, 1 + buffer_size % 13);
      const std::vector<uint64_t> ends = ReadAll(source, text, buffer_size);
      EXPECT_EQ(ends.back(), text.size());
    }
  }
}

TEST(ChunkReaderTest, ALineThatSpansManyBuffers) {
  const std::string text = "a\n" + std::string(300'000, 'x') + "\nb\n";
  TextSource source(text);
  const std::vector<uint64_t> ends = ReadAll(source, text, 4096);
  EXPECT_EQ(ends.back(), text.size());
}

TEST(ChunkReaderTest, ALineOf64MiB) {
  const std::string text = "a\n" + std::string(kMaxLine, 'x') + "\nb\n";
  TextSource source(text);
  EXPECT_EQ(ReadAll(source, text, 1 << 20).back(), text.size());
}

TEST(ChunkReaderTest, ABufferThatGrewComesBackAtItsSize) {
  const std::string text = std::string(500'000, 'x') + "\n" + SomeLines(100, 50);
  TextSource source(text);
  BufferPool pool(1, 4096);
  ChunkReader reader(source, pool, kMaxLine, {});
  EXPECT_GT(reader.Next()->buffer->capacity(), 500'000u);
  EXPECT_LE(reader.Next()->buffer->capacity(), 8192u);
}

TEST(ChunkReaderTest, PaddingCanBeReadBehindTheData) {
  const std::string text = SomeLines(100, 50);
  TextSource source(text);
  BufferPool pool(1, 2048);
  ChunkReader reader(source, pool, kMaxLine, {});
  const Chunk chunk = reader.Next().value();
  const char* end = chunk.data.data() + chunk.data.size();
  EXPECT_LE(end, chunk.buffer->data() + chunk.buffer->capacity());
}

// --- Lines that are longer than --max-line

struct OversizeCase {
  size_t length;
  bool newline;
};

TEST(ChunkReaderTest, OfAnOversizeLineTheBeginningAndTheLengthAreKept) {
  constexpr uint64_t kLimit = 3 << 20;
  for (const OversizeCase& c : {OversizeCase{kLimit + 1, true}, OversizeCase{kLimit + 1, false},
                                OversizeCase{9'000'000, true}, OversizeCase{9'000'000, false}}) {
    std::string text = SomeLines(100, 50);
    const size_t before = text.size();
    for (size_t i = 0; i < c.length; ++i) text += static_cast<char>('a' + i % 23);
    if (c.newline) text += "\n" + SomeLines(100, 50);

    TextSource source(text, 100'000);
    BufferPool pool(1, 200'000);
    ChunkReader reader(source, pool, kLimit, {});
    bool seen = false;
    for (bool ended = false; !ended;) {
      const Chunk chunk = reader.Next().value();
      ExpectTrue(chunk, text);
      ended = chunk.ends_source;
      if (chunk.oversize_length == 0) continue;
      seen = true;
      EXPECT_EQ(chunk.offset, before);
      EXPECT_EQ(chunk.oversize_length, c.length);
      EXPECT_EQ(chunk.oversize_newline, c.newline);
      EXPECT_EQ(chunk.data.size(), kKept);
      EXPECT_EQ(OffsetIn(chunk, 0, chunk.first_line - 1, false), TrueOffset(text, before));
      EXPECT_EQ(OffsetIn(chunk, kKept, chunk.first_line - 1 + chunk.newlines, false),
                TrueOffset(text, chunk.end()));
    }
    EXPECT_TRUE(seen);
  }
}

TEST(ChunkReaderTest, AnOversizeLineTakesNoMemoryForItsRest) {
  const std::string text = std::string(40 << 20, 'x') + "\nb\n";
  TextSource source(text);
  BufferPool pool(1, 1 << 20);
  ChunkReader reader(source, pool, 2 << 20, {});
  const Chunk chunk = reader.Next().value();
  EXPECT_EQ(chunk.oversize_length, size_t{40} << 20);
  EXPECT_LE(chunk.buffer->capacity(), size_t{3} << 20);
}

TEST(ChunkReaderTest, ManyOversizeLinesInARow) {
  std::string text;
  for (size_t i = 0; i < 5; ++i) text += std::string(kKept + 5 + i, 'x') + "\n\nshort\n";
  TextSource source(text);
  EXPECT_EQ(ReadAll(source, text, 300'000, 10).back(), text.size());
}

// --- Offsets

TEST(ChunkReaderTest, OffsetsAtEveryByte) {
  const std::string text = SomeLines(90, 60);
  ASSERT_GT(text.size(), 2 * kIdentityWindow);
  TextSource source(text);
  BufferPool pool(1, kIdentityWindow + 700);
  ChunkReader reader(source, pool, kMaxLine, {});
  for (bool ended = false; !ended;) {
    const Chunk chunk = reader.Next().value();
    ended = chunk.ends_source;
    for (size_t position = 0; position <= chunk.data.size(); ++position) {
      const Offset expected = TrueOffset(text, chunk.offset + position);
      ASSERT_EQ(OffsetIn(chunk, position, expected.lines, false), expected) << expected.bytes;
    }
  }
}

TEST(ChunkReaderTest, GoesOnFromAnyLineAsIfItHadNeverStopped) {
  const std::string text = SomeLines(90, 60);
  for (size_t at = 0; at < text.size(); ++at) {
    if (at != 0 && text[at - 1] != '\n') continue;
    TextSource source(text);
    ChunkReader::Start start = ResumeAt(source, TrueOffset(text, at)).value();
    BufferPool pool(1, kIdentityWindow + 500);
    ChunkReader reader(source, pool, kMaxLine, std::move(start));
    uint64_t expected = at;
    for (bool ended = false; !ended;) {
      const Chunk chunk = reader.Next().value();
      EXPECT_EQ(chunk.offset, expected);
      ExpectTrue(chunk, text);
      expected = chunk.end();
      ended = chunk.ends_source;
    }
    EXPECT_EQ(expected, text.size());
  }
}

TEST(ChunkReaderTest, AfterATakenTailTheFirstChunkBeginsInItsLine) {
  const std::string text = "{}\n{\"a\":1}\n{}\n";
  Offset offset = TrueOffset(text, 10);
  offset.lines = 2;
  offset.tail_taken = true;
  TextSource source(text);
  ChunkReader::Start start = ResumeAt(source, offset).value();
  BufferPool pool(1, 4096);
  const Chunk chunk = ChunkReader(source, pool, kMaxLine, std::move(start)).Next().value();
  EXPECT_EQ(chunk.data, "\n{}\n");
  EXPECT_EQ(chunk.first_line, 2u);
}

TEST(ChunkReaderTest, ResumeRefusesOtherContent) {
  const std::string text = SomeLines(90, 60);
  const Offset offset = TrueOffset(text, 1500);
  for (size_t changed : std::vector<size_t>{0, 1023, 1499}) {
    std::string other = text;
    other[changed] = '#';
    TextSource source(other);
    EXPECT_EQ(ResumeAt(source, offset).error().code(), StatusCode::kCorruption) << changed;
  }
  TextSource shorter(std::string_view(text).substr(0, 1499));
  EXPECT_EQ(ResumeAt(shorter, offset).error().code(), StatusCode::kCorruption);
}

TEST(OffsetAtTest, AByteOrTheEndOfTheLastLine) {
  const std::string text = SomeLines(90, 60) + "unfinished";
  for (size_t bytes : {size_t{0}, size_t{5}, size_t{1023}, size_t{1024}, text.size()}) {
    TextSource source(text, 37);
    EXPECT_EQ(OffsetAtByte(source, bytes).value(), TrueOffset(text, bytes));
  }
  TextSource source(text, 37);
  EXPECT_EQ(OffsetAtEnd(source).value(), TrueOffset(text, text.size() - 10));
  TextSource no_line("unfinished");
  EXPECT_EQ(OffsetAtEnd(no_line)->bytes, 0u);
  TextSource shorter(text);
  EXPECT_EQ(OffsetAtByte(shorter, text.size() + 1).error().code(), StatusCode::kUsage);
}

// --- Errors and pipes

TEST(ChunkReaderTest, WhatWasReadBeforeAnErrorComesFirst) {
  const std::string text = "one\ntwo\nthr";
  TextSource source(text);
  source.FailAtTheEnd(Status::Corruption("damaged"));
  BufferPool pool(1, 4096);
  ChunkReader reader(source, pool, kMaxLine, {});
  const Chunk chunk = reader.Next().value();
  EXPECT_EQ(chunk.data, "one\ntwo\n");
  EXPECT_FALSE(chunk.ends_source);
  EXPECT_EQ(reader.Next().error().message(), "damaged");
  EXPECT_EQ(reader.Next().error().message(), "damaged") << "and it stays so";
}

TEST(ChunkReaderTest, APipeDoesNotKeepItsLinesWaiting) {
  const std::string text = "one\ntwo\nthree\n";
  TextSource source(text, 6);
  source.BeAPipe();
  BufferPool pool(1, 4096);
  ChunkReader reader(source, pool, kMaxLine, {});
  EXPECT_EQ(reader.Next()->data, "one\n");
  EXPECT_EQ(reader.Next()->data, "two\n");
  EXPECT_EQ(reader.Next()->data, "three\n");
  EXPECT_TRUE(reader.Next()->ends_source);
}

TEST(ChunkReaderTest, AClosedPoolCancels) {
  TextSource source("one\n");
  BufferPool pool(1, 4096);
  pool.Close();
  ChunkReader reader(source, pool, kMaxLine, {});
  EXPECT_EQ(reader.Next().error().code(), StatusCode::kCancelled);
}

TEST(ChunkReaderTest, AFileThatGrowsIsReadToTheSizeAtOpen) {
  TemporaryDirectory folder;
  const std::string text = SomeLines(500, 50);
  const std::string path = folder.Write("a.jsonl", text);
  const std::unique_ptr<Source> source = OpenSource(path).value();
  BufferPool pool(1, 2048);
  ChunkReader reader(*source, pool, kMaxLine, {});
  uint64_t end = 0;
  for (bool ended = false; !ended;) {
    const Chunk chunk = reader.Next().value();
    ExpectTrue(chunk, text);
    end = chunk.end();
    ended = chunk.ends_source;
    folder.Append("a.jsonl", "more\n");
  }
  EXPECT_EQ(end, text.size());
}

}  // namespace
}  // namespace sluice
