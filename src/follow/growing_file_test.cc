// SPDX-License-Identifier: Apache-2.0
#include "follow/growing_file.h"

#include <filesystem>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "temporary_directory.h"

namespace sluice {
namespace {

using Growth = GrowingFile::Growth;

class GrowingFileTest : public testing::Test {
 protected:
  static constexpr uint64_t kLongest = uint64_t{4} << 20;

  GrowingFile Follow(const std::string& path) {
    const Result<FileInfo> info = Stat(path);
    EXPECT_TRUE(info);
    GrowingFile file({.path = path, .device = info->device, .inode = info->inode}, Offset());
    EXPECT_TRUE(file.Open().ok());
    return file;
  }

  Growth Next(GrowingFile* file, uint64_t longest = kLongest) {
    chunk_ = Chunk();
    const Result<Growth> growth = file->Next(&pool_, longest, &chunk_);
    EXPECT_TRUE(growth) << growth.error().message();
    return growth.value_or(Growth::kNothing);
  }

  // What the chunk has, which is then taken.
  std::string Take(GrowingFile* file) {
    if (Next(file) != Growth::kLines) return "nothing";
    const std::string data(chunk_.data);
    file->Advance(OffsetIn(chunk_, data.size(), file->offset().lines + chunk_.newlines, false));
    return data;
  }

  TemporaryDirectory folder_;
  BufferPool pool_{2, size_t{64} << 10};
  Chunk chunk_;
};

TEST_F(GrowingFileTest, ReadsWholeLinesOnceAndWaitsForTheNewline) {
  const std::string path = folder_.Write("a.jsonl", "one\ntwo\nthr");
  GrowingFile file = Follow(path);
  EXPECT_EQ(Take(&file), "one\ntwo\n");
  EXPECT_EQ(Take(&file), "nothing");
  folder_.Append("a.jsonl", "ee");
  EXPECT_EQ(Take(&file), "nothing");
  folder_.Append("a.jsonl", "\nfour\n");
  EXPECT_EQ(Take(&file), "three\nfour\n");
  EXPECT_EQ(file.offset().lines, 4u);
}

// The offset is what a reader of the whole file would have stored.
TEST_F(GrowingFileTest, ItsOffsetsAreThoseOfTheHistoricalReader) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "line " + std::to_string(i) + "\n";
  const std::string path = folder_.Write("a.jsonl", "");
  GrowingFile file = Follow(path);
  for (size_t at = 0; at < text.size(); at += 97) {
    folder_.Append("a.jsonl", text.substr(at, 97));
    Take(&file);
    std::string_view seen = std::string_view(text).substr(0, file.offset().bytes);
    EXPECT_EQ(file.offset().head, HashOf(seen.substr(0, kIdentityWindow)));
    seen.remove_prefix(seen.size() - std::min(seen.size(), kIdentityWindow));
    EXPECT_EQ(file.offset().tail, HashOf(seen));
  }
  EXPECT_EQ(file.offset().bytes, text.size());
}

TEST_F(GrowingFileTest, NoticesThatItWasEmptiedAndWrittenAnew) {
  const std::string path = folder_.Write("a.jsonl", "one\ntwo\n");
  GrowingFile file = Follow(path);
  Take(&file);
  folder_.Write("a.jsonl", "on");
  EXPECT_EQ(Next(&file), Growth::kOtherContent);
  // Longer than before, by the time we look.
  folder_.Write("a.jsonl", "another\nlog\nfile\n");
  EXPECT_EQ(Next(&file), Growth::kOtherContent);
}

TEST_F(GrowingFileTest, NoticesAnotherBeginningBeforeTheSameEnd) {
  const std::string end(2000, 'x');
  const std::string path = folder_.Write("a.jsonl", "one\n" + end + "\n");
  GrowingFile file = Follow(path);
  Take(&file);
  folder_.Write("a.jsonl", "two\n" + end + "\nmore\n");
  EXPECT_EQ(Next(&file), Growth::kOtherContent);
}

TEST_F(GrowingFileTest, GoesOnReadingAFileThatLostItsName) {
  const std::string path = folder_.Write("a.jsonl", "one\n");
  GrowingFile file = Follow(path);
  folder_.Append("a.jsonl", "two\n");
  std::filesystem::remove(path);
  EXPECT_EQ(Take(&file), "one\ntwo\n");
}

TEST_F(GrowingFileTest, DoesNotOpenAnotherFileOfItsName) {
  const std::string path = folder_.Write("a.jsonl", "one\n");
  GrowingFile file = Follow(path);
  file.Close();
  folder_.Write("b.jsonl", "two\n");
  std::filesystem::rename(folder_ / "b.jsonl", path);
  EXPECT_EQ(file.Open().code(), StatusCode::kCorruption);
}

TEST_F(GrowingFileTest, ALineLongerThanABufferIsReadWhole) {
  const std::string line(size_t{300} << 10, 'x');
  const std::string path = folder_.Write("a.jsonl", "one\n");
  GrowingFile file = Follow(path);
  EXPECT_EQ(Take(&file), "one\n");
  folder_.Append("a.jsonl", line);
  EXPECT_EQ(Take(&file), "nothing");
  folder_.Append("a.jsonl", "y\ntwo\n");
  EXPECT_EQ(Take(&file), line + "y\n");
  EXPECT_EQ(Take(&file), "two\n");
  EXPECT_EQ(file.offset().lines, 3u);
}

// What was searched for the end of a long line is searched again where other bytes stand by now.
TEST_F(GrowingFileTest, ALongLineThatWasCutIsNotJoinedWithTheNext) {
  const std::string path = folder_.Write("a.jsonl", "one\n");
  GrowingFile file = Follow(path);
  EXPECT_EQ(Take(&file), "one\n");
  folder_.Append("a.jsonl", std::string(size_t{300} << 10, 'x'));
  EXPECT_EQ(Take(&file), "nothing");
  const std::string cut(size_t{100} << 10, 'x');
  std::filesystem::resize_file(path, 4 + cut.size());
  EXPECT_EQ(Take(&file), "nothing");
  folder_.Append("a.jsonl", "y\n" + std::string(size_t{2} << 20, 'z') + "\n");
  ASSERT_EQ(Next(&file, /*longest=*/0), Growth::kLines);
  EXPECT_EQ(chunk_.oversize_length, 0u);
  EXPECT_EQ(chunk_.data, cut + "y\n");
}

TEST_F(GrowingFileTest, NoticesThatItWasWrittenAnewWhileALongLineWasRead) {
  const std::string line(size_t{300} << 10, 'x');
  const std::string path = folder_.Write("a.jsonl", "one\n");
  GrowingFile file = Follow(path);
  EXPECT_EQ(Take(&file), "one\n");
  folder_.Append("a.jsonl", line + "\n");
  int reads_from_start = 0;  // the second one is for the line
  const ScopedFileHook hook([&](const FileEvent& event) {
    const bool from_start = event.call == FileCall::kRead && event.offset == 0;
    if (from_start && ++reads_from_start == 2) folder_.Write("a.jsonl", "two\n" + line + "\n");
    return 0;
  });
  EXPECT_EQ(Next(&file), Growth::kOtherContent);
}

TEST_F(GrowingFileTest, OfALineBeyondTheLimitTheBeginningIsKept) {
  const std::string line(size_t{3} << 20, 'x');
  const std::string path = folder_.Write("a.jsonl", line + "\ntwo\n");
  GrowingFile file = Follow(path);
  ASSERT_EQ(Next(&file, /*longest=*/size_t{64} << 10), Growth::kLines);
  EXPECT_EQ(chunk_.data.size(), ChunkReader::kOversizeKept);
  EXPECT_EQ(chunk_.oversize_length, line.size());
  file.Advance(OffsetIn(chunk_, chunk_.data.size(), 1, false));
  chunk_ = Chunk();
  EXPECT_EQ(Take(&file), "two\n");
}

}  // namespace
}  // namespace sluice
