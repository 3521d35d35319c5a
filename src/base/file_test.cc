// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <string>
#include <thread>
#include <vector>

#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temporary_directory.h"

namespace sluice {
namespace {

using testing::HasSubstr;

std::string ContentOf(const std::string& path) { return ReadFile(path, 1 << 20).value(); }

TEST(FileTest, WritesAndReadsBack) {
  TemporaryDirectory folder;
  File file = File::Open(folder / "a", File::Mode::kCreateNew).value();
  EXPECT_TRUE(file.Write("hello ").ok());
  EXPECT_TRUE(file.Write("world").ok());
  EXPECT_TRUE(file.PWrite("J", 0).ok());
  EXPECT_TRUE(file.Sync().ok());
  char bytes[20];
  EXPECT_EQ(file.PRead(bytes, sizeof bytes, 6).value(), 5u);
  EXPECT_EQ(std::string(bytes, 5), "world");
  EXPECT_TRUE(file.Truncate(5).ok());
  EXPECT_EQ(file.Info()->size, 5u);
  EXPECT_TRUE(file.Close().ok());
  EXPECT_FALSE(file.is_open());
  EXPECT_EQ(ContentOf(folder / "a"), "Jello");
}

TEST(FileTest, TruncateEmptiesAndReadWriteKeeps) {
  TemporaryDirectory folder;
  const std::string path = folder.Write("a", "old");
  EXPECT_EQ(File::Open(path, File::Mode::kReadWrite)->Info()->size, 3u);
  EXPECT_EQ(File::Open(path, File::Mode::kTruncate)->Info()->size, 0u);
}

TEST(FileTest, SeekMovesReads) {
  TemporaryDirectory folder;
  File file = File::Open(folder.Write("a", "0123456789"), File::Mode::kRead).value();
  EXPECT_TRUE(file.Seek(8).ok());
  char bytes[10];
  EXPECT_EQ(file.Read(bytes, sizeof bytes).value(), 2u);
  EXPECT_EQ(file.Read(bytes, sizeof bytes).value(), 0u);
}

TEST(FileTest, ErrorsSayPathReasonAndRemedy) {
  TemporaryDirectory folder;
  const Status missing = File::Open(folder / "none", File::Mode::kRead).error();
  EXPECT_EQ(missing.code(), StatusCode::kNotFound);
  EXPECT_EQ(missing.message(), "cannot open " + folder / "none" + ": no such file or directory");
  EXPECT_FALSE(missing.remedy().empty());

  const Status directory = File::Open(folder.path(), File::Mode::kRead).error();
  EXPECT_EQ(directory.code(), StatusCode::kIo);
  EXPECT_THAT(directory.message(), HasSubstr("is a directory"));

  const Status exists = File::Open(folder.Write("a", ""), File::Mode::kCreateNew).error();
  EXPECT_EQ(exists.code(), StatusCode::kBusy);
}

TEST(FileTest, AFullDiskIsFull) {
  File full = File::Open("/dev/full", File::Mode::kReadWrite).value();
  const Status status = full.Write("x");
  EXPECT_EQ(status.code(), StatusCode::kFull);
  EXPECT_THAT(status.message(), HasSubstr("/dev/full at byte 0: no space left on device"));
  EXPECT_THAT(status.remedy(), HasSubstr("make room"));
}

TEST(FileTest, CountsTheBytesThatItWrites) {
  TemporaryDirectory folder;
  File file = File::Open(folder / "a", File::Mode::kCreateNew).value();
  const uint64_t before = BytesWritten();
  EXPECT_TRUE(file.Write("12345").ok());
  EXPECT_TRUE(file.PWrite("678", 100).ok());
  AddBytesWritten(2);
  EXPECT_EQ(BytesWritten() - before, 10u);
}

TEST(FileTest, AWriteThatIsDoneInPartsGoesOn) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  File reading = File::Adopt(ends[0], "reading end");
  File writing = File::Adopt(ends[1], "writing end");
  const std::string sent(1 << 20, 'x');  // more than a pipe holds
  std::thread writer([&] {
    EXPECT_TRUE(writing.Write(sent).ok());
    EXPECT_TRUE(writing.Close().ok());
  });
  std::string received;
  std::vector<char> part(50'000);
  while (size_t count = reading.Read(part.data(), part.size()).value()) {
    received.append(part.data(), count);
  }
  writer.join();
  EXPECT_EQ(received, sent);
}

TEST(FileTest, InfoKnowsTheKind) {
  TemporaryDirectory folder;
  const std::string path = folder.Write("a", "abc");
  EXPECT_EQ(Stat(path)->kind, FileKind::kRegular);
  EXPECT_EQ(Stat(folder.path())->kind, FileKind::kDirectory);
  EXPECT_EQ(Stat("/dev/null")->kind, FileKind::kStream);
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(Stat(folder / "fifo")->kind, FileKind::kStream);
  ASSERT_EQ(link(path.c_str(), (folder / "b").c_str()), 0);
  EXPECT_TRUE(Stat(path)->SameFileAs(*Stat(folder / "b")));
  EXPECT_EQ(Stat(folder / "none").error().code(), StatusCode::kNotFound);
}

TEST(FileTest, CanonicalPathResolvesLinks) {
  TemporaryDirectory folder;
  const std::string path = folder.Write("real/a", "");
  ASSERT_EQ(symlink((folder / "real").c_str(), (folder / "link").c_str()), 0);
  EXPECT_EQ(CanonicalPath(folder / "link/../link/a").value(), path);
  EXPECT_EQ(CanonicalPath(folder / "none").error().code(), StatusCode::kNotFound);
}

TEST(FileTest, DirectoryOfAPath) {
  EXPECT_EQ(DirectoryOf("a"), ".");
  EXPECT_EQ(DirectoryOf("/a"), "/");
  EXPECT_EQ(DirectoryOf("a/b/c"), "a/b");
}

TEST(FileTest, ReadFileHasALimit) {
  TemporaryDirectory folder;
  const std::string path = folder.Write("a", std::string(100'000, 'x'));
  EXPECT_EQ(ReadFile(path, 100'000)->size(), 100'000u);
  EXPECT_EQ(ReadFile(path, 99'999).error().code(), StatusCode::kUnsupported);
}

TEST(FileTest, RenameReplacesAndRenameNoReplaceDoesNot) {
  TemporaryDirectory folder;
  folder.Write("a", "1");
  folder.Write("b", "2");
  EXPECT_EQ(RenameNoReplace(folder / "a", folder / "b").code(), StatusCode::kBusy);
  EXPECT_EQ(ContentOf(folder / "b"), "2");
  EXPECT_TRUE(Rename(folder / "a", folder / "b").ok());
  EXPECT_EQ(ContentOf(folder / "b"), "1");
  EXPECT_TRUE(RenameNoReplace(folder / "b", folder / "c").ok());
  EXPECT_FALSE(Exists(folder / "b"));
  EXPECT_EQ(ContentOf(folder / "c"), "1");
  EXPECT_TRUE(SyncDirectory(folder.path()).ok());
}

// FAT and some network file systems: the hook stands in for them.
TEST(FileTest, RenameNoReplaceOnAFileSystemThatCannot) {
  TemporaryDirectory folder;
  folder.Write("a", "1");
  folder.Write("b", "2");
  ScopedFileHook hook(
      [](const FileEvent& event) { return event.call == FileCall::kRename ? EINVAL : 0; });
  EXPECT_EQ(RenameNoReplace(folder / "a", folder / "b").code(), StatusCode::kBusy);
  EXPECT_EQ(ContentOf(folder / "b"), "2");
  EXPECT_TRUE(RenameNoReplace(folder / "a", folder / "c").ok());
  EXPECT_FALSE(Exists(folder / "a"));
  EXPECT_EQ(ContentOf(folder / "c"), "1");
}

TEST(FileTest, RemoveIsContentWhenNothingIsThere) {
  TemporaryDirectory folder;
  EXPECT_TRUE(Remove(folder.Write("a", "")).ok());
  EXPECT_TRUE(Remove(folder / "a").ok());
  EXPECT_FALSE(Remove(folder.path()).ok());
}

// A small program of calls, to be failed at each of them in turn.
Status WriteAndPublish(const TemporaryDirectory& folder) {
  Result<File> file = File::Open(folder / "new", File::Mode::kTruncate);
  if (!file) return file.error();
  if (Status status = file->Write("content"); !status.ok()) return status;
  if (Status status = file->Sync(); !status.ok()) return status;
  if (Status status = Rename(folder / "new", folder / "name"); !status.ok()) return status;
  if (Status status = SyncDirectory(folder.path()); !status.ok()) return status;
  if (Result<std::string> read = ReadFile(folder / "name", 100); !read) return read.error();
  return Remove(folder / "name");
}

TEST(FileHookTest, FailsTheNthCallForEveryN) {
  TemporaryDirectory folder;
  int calls = 0;
  {
    ScopedFileHook hook([&](const FileEvent&) { return ++calls, 0; });
    ASSERT_TRUE(WriteAndPublish(folder).ok());
  }
  EXPECT_EQ(calls, 10);  // open truncate write sync rename sync-directory open read read remove
  for (int n = 1; n <= calls; ++n) {
    int call = 0;
    ScopedFileHook hook([&](const FileEvent&) { return ++call == n ? EIO : 0; });
    const Status status = WriteAndPublish(folder);
    EXPECT_EQ(status.code(), StatusCode::kIo) << "call " << n;
    EXPECT_THAT(status.message(), HasSubstr(folder.path())) << "call " << n;
    EXPECT_EQ(call, n) << "nothing is called after a failure";
  }
}

TEST(FileHookTest, SeesEveryWriteWithItsPlace) {
  TemporaryDirectory folder;
  std::vector<std::string> log;
  ScopedFileHook hook([&](const FileEvent& event) {
    if (event.call == FileCall::kWrite) {
      log.push_back(std::to_string(event.offset) + ":" + std::string(event.bytes));
    }
    if (event.call == FileCall::kSync) log.push_back("sync");
    if (event.call == FileCall::kTruncate) log.push_back("cut " + std::to_string(event.offset));
    return 0;
  });
  File file = File::Open(folder / "a", File::Mode::kCreateNew).value();
  ASSERT_TRUE(file.Write("abc").ok() && file.Write("def").ok() && file.PWrite("x", 1).ok());
  ASSERT_TRUE(file.Sync().ok() && file.Truncate(4).ok());
  EXPECT_THAT(log, testing::ElementsAre("0:abc", "3:def", "1:x", "sync", "cut 4"));
}

}  // namespace
}  // namespace sluice
