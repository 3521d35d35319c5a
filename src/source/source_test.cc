// SPDX-License-Identifier: Apache-2.0
#include "source/source.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "compress.h"
#include "source/open.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

using testing::HasSubstr;

struct ReadOutcome {
  std::string bytes;
  Status status;
};

ReadOutcome ReadAll(Source& source, size_t step = 1 << 20) {
  ReadOutcome outcome;
  std::string bytes(step, '\0');
  for (;;) {
    const Result<size_t> count = source.Read(bytes.data(), bytes.size());
    if (!count) {
      outcome.status = count.error();
      EXPECT_FALSE(source.Read(bytes.data(), bytes.size())) << "a failure stays";
      return outcome;
    }
    if (*count == 0) return outcome;
    outcome.bytes.append(bytes, 0, *count);
  }
}

ReadOutcome ReadFileAs(const std::string& path, size_t step = 1 << 20) {
  const Result<std::unique_ptr<Source>> source = OpenSource(path);
  if (!source) return {.bytes = {}, .status = source.error()};
  return ReadAll(**source, step);
}

std::string SomeText(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i) {
    text += "{\"line\":" + std::to_string(i * i) + "}\n";
  }
  text.resize(size);
  return text;
}

TEST(PlainSourceTest, ReadsAFile) {
  TemporaryDirectory folder;
  const std::string text = SomeText(100'000);
  const std::string path = folder.Write("a.log", text);
  for (size_t step : std::vector<size_t>{1'000, 4'096, 1'000'000}) {
    const std::unique_ptr<Source> source = OpenSource(path).value();
    EXPECT_EQ(source->stored_size(), text.size());
    EXPECT_TRUE(source->rereadable());
    EXPECT_TRUE(source->may_grow());
    EXPECT_EQ(ReadAll(*source, step).bytes, text);
    EXPECT_EQ(source->stored_bytes_read(), text.size());
  }
}

TEST(PlainSourceTest, AnEmptyFile) {
  TemporaryDirectory folder;
  const ReadOutcome outcome = ReadFileAs(folder.Write("a", ""));
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(outcome.bytes, "");
}

TEST(PlainSourceTest, TheKeyHasTheAbsolutePathAndTheInode) {
  TemporaryDirectory folder;
  const std::string path = folder.Write("real/a.jsonl", "{}\n");
  ASSERT_EQ(symlink("real", (folder / "link").c_str()), 0);
  ASSERT_EQ(symlink("a.jsonl", (folder / "real/current").c_str()), 0);
  const FileInfo info = Stat(path).value();
  const SourceKey key = OpenSource(folder / "link/../link/a.jsonl").value()->key();
  EXPECT_EQ(key, (SourceKey{.path = path, .device = info.device, .inode = info.inode}));
  EXPECT_EQ(OpenSource(folder / "link/current").value()->key().path, folder / "real/current")
      << "the name itself is kept";
}

TEST(PlainSourceTest, AFileThatShrinksEndsThere) {
  TemporaryDirectory folder;
  const std::string path = folder.Write("a", SomeText(1'000));
  const std::unique_ptr<Source> source = OpenSource(path).value();
  ASSERT_EQ(truncate(path.c_str(), 500), 0);
  EXPECT_EQ(ReadAll(*source).bytes, SomeText(500));
}

TEST(PlainSourceTest, AReadThatFailsSaysWhere) {
  TemporaryDirectory folder;
  const std::string path = folder.Write("a", SomeText(3'000));
  ScopedFileHook hook([](const FileEvent& event) {
    return event.call == FileCall::kRead && event.offset >= 2'000 ? EIO : 0;
  });
  const ReadOutcome outcome = ReadFileAs(path, 1'000);
  EXPECT_EQ(outcome.bytes, SomeText(2'000));
  EXPECT_THAT(outcome.status.message(), HasSubstr(path + " at byte 2000"));
}

TEST(OpenSourceTest, ErrorsNameTheFile) {
  TemporaryDirectory folder;
  EXPECT_EQ(OpenSource(folder / "none").error().code(), StatusCode::kNotFound);
  EXPECT_THAT(OpenSource(folder.path()).error().message(), HasSubstr("is a directory"));
}

// --- Places

void ExpectPlaces(const std::string& path, const std::string& text) {
  const std::unique_ptr<Source> ascending = OpenSource(path).value();
  for (size_t offset : std::vector<size_t>{0, 1, 1, 1'023, 1'024, 1'025, 3'000, text.size()}) {
    const size_t window = std::min(offset, kIdentityWindow);
    const std::unique_ptr<Source> fresh = OpenSource(path).value();
    for (Source* source : {ascending.get(), fresh.get()}) {
      const Place place = source->SkipTo(offset).value();
      EXPECT_TRUE(place.reached) << offset;
      EXPECT_EQ(place.head, text.substr(0, window)) << offset;
      EXPECT_EQ(place.before, text.substr(offset - window, window)) << offset;
    }
    EXPECT_EQ(ReadAll(*fresh).bytes, text.substr(offset)) << offset;
  }
  EXPECT_FALSE(ascending->SkipTo(text.size() + 1)->reached);
}

TEST(SkipToTest, PlainAndCompressedAlike) {
  TemporaryDirectory folder;
  const std::string text = SomeText(700'000);
  ExpectPlaces(folder.Write("a", text), text);
  ExpectPlaces(folder.Write("b", Gzip(text)), text);
  ExpectPlaces(folder.Write("c", Zstd(text)), text);
}

// --- gzip and zstd

TEST(CompressedSourceTest, IsKnownByContentAndNotByName) {
  TemporaryDirectory folder;
  EXPECT_EQ(ReadFileAs(folder.Write("a.jsonl", Gzip("{}\n"))).bytes, "{}\n");
  EXPECT_EQ(ReadFileAs(folder.Write("b.gz", Zstd("{}\n"))).bytes, "{}\n");
  EXPECT_EQ(ReadFileAs(folder.Write("c.zst", "{}\n")).bytes, "{}\n");
  EXPECT_EQ(ReadFileAs(folder.Write("d", "(")).bytes, "(") << "the first byte of zstd's magic";
}

TEST(CompressedSourceTest, SaysThatItCannotGrow) {
  TemporaryDirectory folder;
  const std::string stored = Gzip(SomeText(10'000));
  const std::unique_ptr<Source> source = OpenSource(folder.Write("a", stored)).value();
  EXPECT_FALSE(source->may_grow());
  EXPECT_TRUE(source->rereadable());
  ReadAll(*source);
  EXPECT_EQ(source->stored_size(), stored.size());
  EXPECT_EQ(source->stored_bytes_read(), stored.size());
}

TEST(CompressedSourceTest, ManyMembersAndFrames) {
  TemporaryDirectory folder;
  std::string text, gzip, zstd;
  for (size_t i = 0; i < 50; ++i) {
    const std::string part = i % 7 == 0 ? "" : SomeText(i * 1'000);
    text += part;
    gzip += Gzip(part);
    zstd += Zstd(part) + (i % 5 == 0 ? ZstdSkippable("a frame to skip") : "");
  }
  for (size_t step : std::vector<size_t>{999, 1'000'000}) {
    EXPECT_EQ(ReadFileAs(folder.Write("a", gzip), step).bytes, text);
    EXPECT_EQ(ReadFileAs(folder.Write("b", zstd), step).bytes, text);
  }
  EXPECT_EQ(ReadFileAs(folder.Write("c", ZstdSkippable("first") + zstd)).bytes, text);
}

TEST(CompressedSourceTest, MoreThanItsBuffers) {
  TemporaryDirectory folder;
  std::string noise(3'000'000, '\0');  // does not become smaller
  uint32_t state = 1;
  for (char& c : noise) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  EXPECT_TRUE(ReadFileAs(folder.Write("a", Gzip(noise))).bytes == noise);
  EXPECT_TRUE(ReadFileAs(folder.Write("b", Zstd(noise))).bytes == noise);
  const std::string even(30'000'000, 'x');  // becomes very small
  EXPECT_TRUE(ReadFileAs(folder.Write("c", Gzip(even))).bytes == even);
  EXPECT_TRUE(ReadFileAs(folder.Write("d", Zstd(even))).bytes == even);
}

// Cut at every byte: the end of a member is an end, anywhere else it is cut short; what could be
// decoded comes first.
void ExpectCutsAreNoticed(const std::vector<std::string>& parts,
                          const std::vector<std::string>& stored_parts, size_t first_size) {
  TemporaryDirectory folder;
  std::string stored;
  for (const std::string& part : stored_parts) stored += part;
  std::string text_at_end;
  size_t part = 0;
  size_t part_end = 0;
  for (size_t size = first_size; size <= stored.size(); ++size) {
    while (part < stored_parts.size() && part_end + stored_parts[part].size() <= size) {
      part_end += stored_parts[part].size();
      text_at_end += parts[part++];
    }
    const std::string path = folder.Write("cut", stored.substr(0, size));
    const ReadOutcome outcome = ReadFileAs(path);
    EXPECT_TRUE(Remove(path).ok());  // written over, ext4 would flush it each time
    if (size == part_end) {
      EXPECT_TRUE(outcome.status.ok()) << size << ": " << outcome.status.message();
      EXPECT_EQ(outcome.bytes, text_at_end) << size;
    } else {
      EXPECT_EQ(outcome.status.code(), StatusCode::kCorruption) << size;
      EXPECT_EQ(outcome.status.message().find(path), 0u);
      EXPECT_THAT(outcome.status.message(),
                  HasSubstr("cut short at stored byte " + std::to_string(size)));
      EXPECT_FALSE(outcome.status.remedy().empty());
      EXPECT_TRUE(outcome.bytes.starts_with(text_at_end)) << size;
    }
  }
}

TEST(CompressedSourceTest, GzipCutAtEveryByte) {
  const std::vector<std::string> parts = {SomeText(300), "", SomeText(5'000)};
  ExpectCutsAreNoticed(parts, {Gzip(parts[0]), Gzip(parts[1]), Gzip(parts[2])}, 1);
}

// From the second byte on: one byte '(' may be a text.
TEST(CompressedSourceTest, ZstdCutAtEveryByte) {
  const std::vector<std::string> parts = {"", SomeText(300), "", SomeText(5'000)};
  std::vector<std::string> stored = {"", Zstd(parts[1]), ZstdSkippable("skip me"), Zstd(parts[3])};
  TemporaryDirectory folder;
  EXPECT_EQ(ReadFileAs(folder.Write("one", stored[1].substr(0, 1))).bytes, "(");
  ExpectCutsAreNoticed(parts, stored, 2);
}

TEST(CompressedSourceTest, ZerosAfterGzipArePadding) {
  TemporaryDirectory folder;
  const std::string stored = Gzip("{}\n");
  for (size_t zeros : std::vector<size_t>{1, 511, 300'000}) {
    const ReadOutcome outcome = ReadFileAs(folder.Write("a", stored + std::string(zeros, '\0')));
    EXPECT_TRUE(outcome.status.ok());
    EXPECT_EQ(outcome.bytes, "{}\n");
  }
  const ReadOutcome outcome = ReadFileAs(folder.Write("a", stored + std::string(9, '\0') + "x"));
  EXPECT_EQ(outcome.bytes, "{}\n");
  EXPECT_THAT(outcome.status.message(),
              HasSubstr("at stored byte " + std::to_string(stored.size() + 9)));
}

TEST(CompressedSourceTest, GarbageAfterTheLastMember) {
  TemporaryDirectory folder;
  for (const std::string& stored : {Gzip("{}\n"), Zstd("{}\n")}) {
    const ReadOutcome outcome = ReadFileAs(folder.Write("a", stored + "garbage"));
    EXPECT_EQ(outcome.bytes, "{}\n");
    EXPECT_EQ(outcome.status.code(), StatusCode::kCorruption);
  }
}

TEST(CompressedSourceTest, DamageIsNoticedAndWhatStandsBeforeItComesFirst) {
  TemporaryDirectory folder;
  const std::string text = SomeText(2'000'000);
  for (std::string stored : {Gzip(text), Zstd(text)}) {
    const size_t damaged = stored.size() * 3 / 4;
    for (size_t i = 0; i < 64; ++i) stored[damaged + i] = static_cast<char>(~stored[damaged + i]);
    const ReadOutcome outcome = ReadFileAs(folder.Write("a", stored));
    EXPECT_EQ(outcome.status.code(), StatusCode::kCorruption);
    EXPECT_THAT(outcome.status.message(), HasSubstr("stored byte"));
    EXPECT_GT(outcome.bytes.size(), text.size() / 2);
    EXPECT_TRUE(text.starts_with(outcome.bytes.substr(0, text.size() / 2)));
  }
}

TEST(CompressedSourceTest, AWindowThatIsTooLargeIsRefusedWithItsRemedy) {
  TemporaryDirectory folder;
  // A frame header by hand: no content size, a window descriptor of 2^31 bytes, then an empty last
  // block.
  const std::string frame = {'\x28', '\xb5', '\x2f', '\xfd', '\x00',
                             '\xa8', '\x01', '\x00', '\x00'};
  const Status status = ReadFileAs(folder.Write("a", frame)).status;
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(status.remedy(), HasSubstr("--long=31"));
}

// --- Pipes and stdin

// Stdin is something else while this lives.
class StdinIs {
 public:
  explicit StdinIs(int descriptor) : saved_(dup(STDIN_FILENO)) { dup2(descriptor, STDIN_FILENO); }
  ~StdinIs() {
    dup2(saved_, STDIN_FILENO);
    close(saved_);
  }

 private:
  int saved_;
};

class Pipe {
 public:
  Pipe() {
    int ends[2];
    if (pipe(ends) != 0) ADD_FAILURE() << "no pipe";
    reading = File::Adopt(ends[0], "reading end");
    writing = File::Adopt(ends[1], "writing end");
  }
  File reading;
  File writing;
};

TEST(StdinTest, APipeIsReadToItsEnd) {
  const std::string text = SomeText(300'000);
  for (const std::string& sent : {text, Gzip(text), Zstd(text)}) {
    Pipe pipe;
    StdinIs redirected(pipe.reading.descriptor());
    std::thread writer([&] {
      EXPECT_TRUE(pipe.writing.Write(sent).ok());
      EXPECT_TRUE(pipe.writing.Close().ok());
    });
    const std::unique_ptr<Source> source = OpenStdin().value();
    EXPECT_EQ(ReadAll(*source).bytes, text);
    writer.join();
    EXPECT_EQ(source->key(), (SourceKey{.path = "-", .device = 0, .inode = 0}));
    EXPECT_FALSE(source->rereadable());
    EXPECT_FALSE(source->may_grow());
    EXPECT_EQ(source->stored_size(), 0u);
    EXPECT_EQ(source->stored_bytes_read(), sent.size());
  }
}

TEST(StdinTest, APipeHandsOutWhatIsThere) {
  Pipe pipe;
  StdinIs redirected(pipe.reading.descriptor());
  ASSERT_TRUE(pipe.writing.Write("{\"a\":1}\n").ok());
  const std::unique_ptr<Source> source = OpenStdin().value();
  char bytes[100];
  size_t count = 0;
  while (count < 8) count += source->Read(bytes + count, sizeof bytes - count).value();
  EXPECT_EQ(std::string(bytes, count), "{\"a\":1}\n");
}

TEST(StdinTest, AStopEndsTheWaitForAPipe) {
  Pipe pipe;
  StdinIs redirected(pipe.reading.descriptor());
  ASSERT_TRUE(pipe.writing.Write("{}\n{}\n").ok());
  StopToken stop;
  const std::unique_ptr<Source> source = OpenStdin(&stop).value();
  std::thread stopper([&stop] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stop.RequestStop();
  });
  const ReadOutcome outcome = ReadAll(*source);
  stopper.join();
  EXPECT_EQ(outcome.status.code(), StatusCode::kCancelled);
}

TEST(StdinTest, ARedirectedFileIsThatFile) {
  TemporaryDirectory folder;
  const std::string text = SomeText(50'000);
  const std::string path = folder.Write("a.jsonl", text);
  File file = File::Open(path, File::Mode::kRead).value();
  StdinIs redirected(file.descriptor());
  const std::unique_ptr<Source> source = OpenStdin().value();
  EXPECT_EQ(source->key(), OpenSource(path).value()->key());
  EXPECT_TRUE(source->rereadable());
  EXPECT_TRUE(source->may_grow());
  EXPECT_EQ(ReadAll(*source).bytes, text);
}

TEST(StdinTest, ARedirectedFileThatWasReadInPartIsLikeAPipe) {
  TemporaryDirectory folder;
  const std::string text = SomeText(50'000);
  File file = File::Open(folder.Write("a.jsonl", text), File::Mode::kRead).value();
  ASSERT_TRUE(file.Seek(10'000).ok());
  StdinIs redirected(file.descriptor());
  const std::unique_ptr<Source> source = OpenStdin().value();
  EXPECT_EQ(source->key().path, "-");
  EXPECT_FALSE(source->rereadable());
  EXPECT_EQ(ReadAll(*source).bytes, text.substr(10'000));
}

TEST(StdinTest, ARedirectedFileThatWasDeletedIsLikeAPipe) {
  TemporaryDirectory folder;
  const std::string path = folder.Write("a.jsonl", "{}\n");
  File file = File::Open(path, File::Mode::kRead).value();
  ASSERT_TRUE(Remove(path).ok());
  StdinIs redirected(file.descriptor());
  const std::unique_ptr<Source> source = OpenStdin().value();
  EXPECT_EQ(source->key().path, "-");
  EXPECT_EQ(ReadAll(*source).bytes, "{}\n");
}

TEST(OpenSourceTest, ANamedPipe) {
  TemporaryDirectory folder;
  const std::string path = folder / "fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] {
    File file = File::Open(path, File::Mode::kReadWrite).value();
    EXPECT_TRUE(file.Write("{}\n").ok());
    // Until the reader has it open: a pipe that both ends have left forgets its bytes.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  });
  const std::unique_ptr<Source> source = OpenSource(path).value();
  EXPECT_EQ(ReadAll(*source).bytes, "{}\n");
  writer.join();
  EXPECT_FALSE(source->rereadable());
  EXPECT_EQ(source->key(), (SourceKey{.path = path, .device = 0, .inode = 0}));
}

}  // namespace
}  // namespace sluice
