// SPDX-License-Identifier: Apache-2.0
#include "follow/followed_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "compress.h"
#include "follow/identity.h"
#include "no_descriptors.h"
#include "source/open.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
namespace fs = std::filesystem;

// What a live run does with FollowedFiles, without JSON and without a database: names are decided
// on by content, lines are collected.
class Following {
 public:
  explicit Following(std::vector<std::string> inputs, bool poll = false, InputFilter filter = {},
                     size_t most_open = 256)
      : files_({.inputs = std::move(inputs),
                .filter = std::move(filter),
                .database = "/nowhere/app.db",
                .watch = {.poll = poll, .poll_interval = milliseconds(5)},
                .most_open = most_open,
                .close_after = milliseconds(150),
                .quiet_time = milliseconds(40)}) {
    for (const std::string& path : files_.Start()) Decide(path);
    Settle();
  }

  // Until nothing more comes.
  void Settle() {
    const auto until = std::chrono::steady_clock::now() + milliseconds(120);
    while (std::chrono::steady_clock::now() < until) {
      Step();
      std::this_thread::sleep_for(milliseconds(2));
    }
  }

  // One look, and all that it found to read.
  void Step() {
    files_.Look();
    Sweep();
    while (const std::optional<Finding> finding = files_.NextFinding()) {
      FollowedFile* const file = finding->file;
      if (finding->kind == Finding::Kind::kNewName) Decide(finding->path);
      if (finding->kind == Finding::Kind::kMoved) {
        Known(file).key = file->file.key();
        emptied_.erase(file->source_id);
      }
      if (finding->kind == Finding::Kind::kUnseen) unseen_ += finding->count;
      if (finding->kind == Finding::Kind::kLost) lost_.push_back(finding->count);
      Sweep();
    }
    while (reads_) {
      FollowedFile* const file = files_.NextReadable();
      if (file == nullptr) break;
      Read(file);
    }
  }

  // As one that the database knows, and of which nothing was there to be read.
  void AddEmpty(const std::string& path) {
    const FileInfo info = *Stat(path);
    known_.push_back(
        KnownSource{.id = static_cast<int64_t>(known_.size()) + 1,
                    .key = {.path = path, .device = info.device, .inode = info.inode}});
    files_.Add(known_.back().key, Offset(), known_.back().id, 0);
  }

  // As where the database cannot be written for a while: files are looked at, and none is read.
  void StopReading() { reads_ = false; }
  void ReadOn() {
    reads_ = true;
    for (int i = 0; i < 3; ++i) Settle();
  }

  // As a commit does: while findings are handled, too.
  void Sweep() {
    files_.Sweep([](const FollowedFile&) {});
  }

  // The lines so far, sorted: each must be there once.
  std::vector<std::string> lines() {
    std::sort(lines_.begin(), lines_.end());
    return lines_;
  }
  // Of each loss the bytes that were known to be there.
  const std::vector<uint64_t>& lost() const { return lost_; }
  // Files that were gone before anything of them was read.
  uint64_t unseen() const { return unseen_; }
  FollowedFiles& files() { return files_; }

 private:
  StoredSource& Known(const FollowedFile* file) {
    return known_[static_cast<size_t>(file->source_id - 1)];
  }

  void Decide(const std::string& path) {
    for (const EmptiedFile& file : files_.TakeEmptied()) emptied_[file.source_id] = file.key;
    KnownSources known(known_);
    for (const auto& [id, key] : emptied_) known.Emptied(id, key);
    const Result<Identity> identity = Identify(path, &known, &files_.folders());
    if (!identity) return;
    int64_t id = identity->source_id;
    if (id == 0) {
      id = static_cast<int64_t>(known_.size()) + 1;
      known_.push_back(KnownSource{.id = id});
    }
    known_[static_cast<size_t>(id - 1)].key = identity->key;
    files_.Add(identity->key, identity->start.offset, id, 0);
  }

  void Read(FollowedFile* file) {
    if (file->reads_compressed()) return ReadCompressed(file);
    if (!file->file.is_open() && !files_.Open(file).ok()) return files_.PutOff(file);
    Chunk chunk;
    const auto growth = file->file.Next(&pool_, size_t{1} << 20, &chunk);
    if (!growth || *growth == GrowingFile::Growth::kNothing) return;
    if (*growth == GrowingFile::Growth::kOtherContent) return files_.Overwritten(file);
    Collect(chunk.data);
    file->file.Advance(OffsetIn(chunk, chunk.data.size(), 0, false));
    Known(file).offset = file->file.offset();
    files_.KeepReadable(file);
  }

  void ReadCompressed(FollowedFile* file) {
    auto source = OpenSource(file->file.key().path);
    ASSERT_TRUE(source);
    const auto start = ResumeAt(**source, file->file.offset());
    ASSERT_TRUE(start) << start.error().message();
    ChunkReader reader(**source, pool_, size_t{1} << 20, *start);
    for (bool more = true; more;) {
      const Result<Chunk> chunk = reader.Next();
      ASSERT_TRUE(chunk);
      Collect(chunk->data);
      file->file.Advance(OffsetIn(*chunk, chunk->data.size(), 0, false));
      more = !chunk->ends_source;
    }
    Known(file).offset = file->file.offset();
  }

  void Collect(std::string_view data) {
    while (!data.empty()) {
      const size_t newline = std::min(data.find('\n'), data.size() - 1);
      lines_.emplace_back(data.substr(0, newline));
      data.remove_prefix(newline + 1);
    }
  }

  FollowedFiles files_;
  bool reads_ = true;
  BufferPool pool_{2, size_t{64} << 10};
  std::vector<StoredSource> known_;
  std::map<int64_t, SourceKey> emptied_;  // by the id of the known source
  std::vector<std::string> lines_;
  std::vector<uint64_t> lost_;
  uint64_t unseen_ = 0;
};

using Lines = std::vector<std::string>;
using Losses = std::vector<uint64_t>;

// By inotify, and by polling.
class FollowedFilesTest : public testing::TestWithParam<bool> {
 protected:
  std::unique_ptr<Following> Follow(const std::string& input) {
    return std::make_unique<Following>(std::vector{input}, GetParam());
  }
  // app.jsonl has a line, which was seen and not read.
  std::unique_ptr<Following> FollowUnread() {
    std::unique_ptr<Following> following = Follow(folder_ / "app.jsonl");
    following->StopReading();
    folder_.Write("app.jsonl", "a1\n");
    following->Settle();
    return following;
  }
  void Copy(const std::string& from, const std::string& to) {
    fs::copy_file(folder_ / from, folder_ / to, fs::copy_options::overwrite_existing);
  }
  void Rename(const std::string& from, const std::string& to) {
    fs::rename(folder_ / from, folder_ / to);
  }
  void Compress(const std::string& from, const std::string& to) {
    folder_.Write(to, Gzip(*ReadFile(folder_ / from, 1 << 20)));
    fs::last_write_time(folder_ / to, fs::last_write_time(folder_ / from));
    fs::remove(folder_ / from);
  }

  TemporaryDirectory folder_;
};
INSTANTIATE_TEST_SUITE_P(Watching, FollowedFilesTest, testing::Bool(),
                         [](const auto& of) { return of.param ? "Polling" : "Inotify"; });

TEST_P(FollowedFilesTest, Grows) {
  const std::string log = folder_.Write("app.jsonl", "a1\n");
  auto following = Follow(log);
  folder_.Append("app.jsonl", "a2\na");
  following->Settle();
  folder_.Append("app.jsonl", "3\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "a2", "a3"}));
}

TEST_P(FollowedFilesTest, AFileThatAppearsInADirectoryIsReadFromItsFirstByte) {
  auto following = Follow(folder_.path());
  folder_.Write("sub/deeper/new.jsonl", "b1\n");
  folder_.Write("sub/other.txt", "no\n");
  following->Settle();
  folder_.Append("sub/deeper/new.jsonl", "b2\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"b1", "b2"}));
}

TEST_P(FollowedFilesTest, RenamedAndCreatedAnew) {
  const std::string log = folder_.Write("app.jsonl", "a1\n");
  auto following = Follow(log);
  folder_.Append("app.jsonl", "a2\n");
  Rename("app.jsonl", "app.jsonl.1");
  folder_.Write("app.jsonl", "b1\n");
  following->Settle();
  folder_.Append("app.jsonl.1", "a3\n");  // its writer has it open still
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "a2", "a3", "b1"}));
  EXPECT_EQ(following->lost(), Losses());
}

TEST_P(FollowedFilesTest, RenamedWhileIdle) {
  const std::string log = folder_.Write("app.jsonl", "a1\n");
  auto following = Follow(log);
  std::this_thread::sleep_for(milliseconds(200));
  following->Settle();
  EXPECT_EQ(following->files().open_files(), 0u);
  Rename("app.jsonl", "old.jsonl");
  following->Settle();
  folder_.Append("old.jsonl", "a2\n");
  folder_.Write("app.jsonl", "b1\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "a2", "b1"}));
  EXPECT_EQ(following->lost(), Losses());
}

TEST_P(FollowedFilesTest, CopiedAndTruncated) {
  const std::string log = folder_.Write("app.jsonl", "a1\n");
  auto following = Follow(log);
  folder_.Append("app.jsonl", "a2\n");
  Copy("app.jsonl", "app.jsonl.1");
  folder_.Write("app.jsonl", "b1\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "a2", "b1"}));
  EXPECT_EQ(following->lost(), Losses());
}

// A file that was seen to be emptied is new, whatever it holds then.
TEST_P(FollowedFilesTest, EmptiedAndWrittenAgainWithTheSameLines) {
  const std::string log = folder_.Write("app.jsonl", "a\na\na\n");
  auto following = Follow(log);
  folder_.Write("app.jsonl", "");
  following->Settle();
  folder_.Append("app.jsonl", "a\na\na\na\na\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a", "a", "a", "a", "a", "a", "a", "a"}));
}

TEST_P(FollowedFilesTest, CopiedAndTruncatedWithinAFollowedDirectory) {
  folder_.Write("app.jsonl", "a1\n");
  auto following = Follow(folder_.path());
  folder_.Append("app.jsonl", "a2\n");
  following->Step();
  Copy("app.jsonl", "app-1.jsonl");
  following->Step();
  folder_.Write("app.jsonl", "b1\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "a2", "b1"}));
}

TEST_P(FollowedFilesTest, TruncatedWithNothingUnread) {
  const std::string log = folder_.Write("app.jsonl", "a1\na2\n");
  auto following = Follow(log);
  folder_.Write("app.jsonl", "b1\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "a2", "b1"}));
  EXPECT_EQ(following->lost(), Losses({0}));  // whether there was more nobody can know
}

TEST_P(FollowedFilesTest, TruncatedAndGrownBeyondTheOffset) {
  const std::string log = folder_.Write("app.jsonl", "a1\n");
  auto following = Follow(log);
  folder_.Write("app.jsonl", "b1\nb2\nb3\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "b1", "b2", "b3"}));
  EXPECT_EQ(following->lost(), Losses({0}));
}

// An open file is read to its end, whatever became of its name.
TEST_P(FollowedFilesTest, WrittenAnewBeforeAnythingWasRead) {
  const auto following = FollowUnread();
  folder_.Write("app.jsonl", "b1\nb2\n");
  following->ReadOn();
  EXPECT_EQ(following->lines(), Lines({"b1", "b2"}));
  EXPECT_EQ(following->lost(), Losses({3}));
}

TEST_P(FollowedFilesTest, CopiedAndTruncatedBeforeAnythingWasRead) {
  const auto following = FollowUnread();
  Copy("app.jsonl", "app.jsonl.1");
  folder_.Write("app.jsonl", "b1\nb2\n");
  following->ReadOn();
  EXPECT_EQ(following->lines(), Lines({"a1", "b1", "b2"}));
  EXPECT_EQ(following->lost(), Losses());
}

// The inode alone says nothing: it is given to the next file that is made.
TEST_P(FollowedFilesTest, AFileWithTheInodeOfOneThatWasNotReadIsNotTakenForIt) {
  const auto following = FollowUnread();
  Rename("app.jsonl", "status.json");
  folder_.Write("status.json", "{\"pid\": 17}\n");  // in place
  following->ReadOn();
  EXPECT_EQ(following->lines(), Lines());
  EXPECT_EQ(following->lost(), Losses({3}));
}

// Half a line is what many begin with.
TEST_P(FollowedFilesTest, AFileThatBeginsLikeHalfALineThatIsGoneIsNotTakenForIt) {
  folder_.Write("app.jsonl", "");
  const auto following = Follow(folder_ / "app.jsonl");
  following->AddEmpty(folder_ / "app.jsonl");
  folder_.Append("app.jsonl", "{");
  following->Settle();
  fs::remove(folder_ / "app.jsonl");
  folder_.Write("status.json", "{\"pid\": 17}\n");
  for (int i = 0; i < 3; ++i) following->Settle();
  EXPECT_EQ(following->lines(), Lines());
}

TEST_P(FollowedFilesTest, RenamedBeforeAnythingWasRead) {
  const auto following = FollowUnread();
  Rename("app.jsonl", "elsewhere.txt");
  folder_.Write("app.jsonl", "b1\n");
  following->ReadOn();
  EXPECT_EQ(following->lines(), Lines({"a1", "b1"}));
  EXPECT_EQ(following->lost(), Losses());
}

TEST_P(FollowedFilesTest, DeletedAndCreatedAnew) {
  const std::string log = folder_.Write("app.jsonl", "a1\n");
  auto following = Follow(log);
  folder_.Append("app.jsonl", "a2\n");
  fs::remove(log);
  folder_.Write("app.jsonl", "b1\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "a2", "b1"}));
  EXPECT_EQ(following->lost(), Losses());
}

TEST_P(FollowedFilesTest, DeletedWhileIdleWithUnreadLines) {
  const std::string log = folder_.Write("app.jsonl", "a1\n");
  auto following = Follow(log);
  std::this_thread::sleep_for(milliseconds(200));
  following->Settle();
  ASSERT_EQ(following->files().open_files(), 0u);
  folder_.Append("app.jsonl", "a2\n");
  fs::remove(log);
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1"}));
  EXPECT_EQ(following->lost(), Losses({0}));
}

TEST_P(FollowedFilesTest, RotatedToGz) {
  const std::string log = folder_.Write("app.jsonl", "a1\n");
  auto following = Follow(log);
  folder_.Append("app.jsonl", "a2\n");
  Rename("app.jsonl", "app.jsonl.1");
  Compress("app.jsonl.1", "app.jsonl.1.gz");
  folder_.Write("app.jsonl", "b1\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "a2", "b1"}));
  EXPECT_EQ(following->lost(), Losses());
}

// Its name leads to the compressed file while the old one is read: to a file that is shorter than
// what was read, and that was not emptied.
TEST_P(FollowedFilesTest, RotatedToGzOnceMoreAfterItWasReadWhileOpen) {
  std::vector<std::string> all;
  std::string text;
  for (int i = 1000; i < 1400; ++i) {
    all.push_back("line " + std::to_string(i));
    text += all.back() + "\n";
  }
  const std::string log = folder_.Write("app.jsonl", text);
  auto following = Follow(log);
  Rename("app.jsonl", "app.jsonl.1");
  Compress("app.jsonl.1", "app.jsonl.1.gz");
  folder_.Write("app.jsonl", "b1\n");
  following->Step();
  Rename("app.jsonl.1.gz", "app.jsonl.2.gz");
  Rename("app.jsonl", "app.jsonl.1");
  Compress("app.jsonl.1", "app.jsonl.1.gz");
  folder_.Write("app.jsonl", "c1\n");
  following->Settle();
  Rename("app.jsonl.2.gz", "app.jsonl.3.gz");
  following->Settle();
  all.insert(all.begin(), {"b1", "c1"});
  EXPECT_EQ(following->lines(), all);
  EXPECT_EQ(following->lost(), Losses());
}

TEST_P(FollowedFilesTest, RotatedToGzWhileIdle) {
  const std::string log = folder_.Write("app.jsonl", "a1\n");
  auto following = Follow(log);
  std::this_thread::sleep_for(milliseconds(200));
  following->Settle();
  ASSERT_EQ(following->files().open_files(), 0u);
  folder_.Append("app.jsonl", "a2\n");
  Rename("app.jsonl", "app.jsonl.1");
  Compress("app.jsonl.1", "app.jsonl.1.gz");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "a2"}));
  EXPECT_EQ(following->lost(), Losses());
}

TEST_P(FollowedFilesTest, RotatedSeveralTimesBetweenTwoLooks) {
  const std::string log = folder_.Write("app.jsonl", "a1\n");
  auto following = Follow(log);
  folder_.Append("app.jsonl", "a2\n");
  Rename("app.jsonl", "app.jsonl.1");
  folder_.Write("app.jsonl", "b1\nb2\n");
  Rename("app.jsonl.1", "app.jsonl.2");
  Rename("app.jsonl", "app.jsonl.1");
  folder_.Write("app.jsonl", "c1\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "a2", "b1", "b2", "c1"}));
  EXPECT_EQ(following->lost(), Losses());
}

TEST_P(FollowedFilesTest, CopiedAndTruncatedSeveralTimesBetweenTwoLooks) {
  const std::string log = folder_.Write("app.jsonl", "a1\n");
  auto following = Follow(log);
  folder_.Append("app.jsonl", "a2\n");
  Copy("app.jsonl", "app.jsonl.1");
  folder_.Write("app.jsonl", "b1\nb2\n");
  Rename("app.jsonl.1", "app.jsonl.2");
  Copy("app.jsonl", "app.jsonl.1");
  folder_.Write("app.jsonl", "c1\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "a2", "b1", "b2", "c1"}));
  EXPECT_EQ(following->lost(), Losses());
}

// What a rotation left there before we came is not ours to read.
TEST_P(FollowedFilesTest, OldRotatedFilesAreLeftAlone) {
  folder_.Write("app.jsonl.1", "old\n");
  const std::string log = folder_.Write("app.jsonl", "a1\n");
  fs::last_write_time(folder_ / "app.jsonl.1", fs::last_write_time(log) - std::chrono::seconds(1));
  auto following = Follow(log);
  Rename("app.jsonl.1", "app.jsonl.2");
  Rename("app.jsonl", "app.jsonl.1");
  folder_.Write("app.jsonl", "b1\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "b1"}));
}

TEST_P(FollowedFilesTest, ALinkThatMoves) {
  folder_.Write("logs/app-1.jsonl", "a1\n");
  folder_.Write("logs/app-2.jsonl", "b1\n");
  fs::create_symlink(folder_ / "logs/app-1.jsonl", folder_ / "current.jsonl");
  auto following = Follow(folder_ / "current.jsonl");
  folder_.Append("logs/app-1.jsonl", "a2\n");
  following->Settle();
  folder_.Append("logs/app-1.jsonl", "a3\n");
  fs::create_symlink(folder_ / "logs/app-2.jsonl", folder_ / "next");
  Rename("next", "current.jsonl");
  following->Settle();
  folder_.Append("logs/app-2.jsonl", "b2\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "a2", "a3", "b1", "b2"}));
  EXPECT_EQ(following->lost(), Losses());
}

TEST_P(FollowedFilesTest, MovedToAnotherFollowedDirectory) {
  folder_.Write("in/app.jsonl", "a1\n");
  fs::create_directory(folder_ / "archive");
  auto following = Follow(folder_.path());
  folder_.Append("in/app.jsonl", "a2\n");
  Rename("in/app.jsonl", "archive/app.jsonl");
  following->Settle();
  folder_.Append("archive/app.jsonl", "a3\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "a2", "a3"}));
  EXPECT_EQ(following->lost(), Losses());
}

TEST_P(FollowedFilesTest, ADirectoryThatGoesAndComesBack) {
  folder_.Write("sub/a.jsonl", "a1\n");
  auto following = Follow(folder_.path());
  fs::remove_all(folder_ / "sub");
  following->Settle();
  folder_.Write("sub/b.jsonl", "b1\n");
  following->Settle();
  folder_.Append("sub/b.jsonl", "b2\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "b1", "b2"}));
}

TEST_P(FollowedFilesTest, TheInputItselfGoesAndComesBack) {
  folder_.Write("logs/a.jsonl", "a1\n");
  auto following = Follow(folder_ / "logs");
  fs::remove_all(folder_ / "logs");
  following->Settle();
  folder_.Write("logs/b.jsonl", "b1\n");
  std::this_thread::sleep_for(milliseconds(150));
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1", "b1"}));
}

TEST_P(FollowedFilesTest, AnEmptyFileIsToldWhenItHasAByte) {
  auto following = Follow(folder_.path());
  folder_.Write("a.jsonl", "");
  following->Settle();
  EXPECT_TRUE(following->files().files().empty());
  folder_.Append("a.jsonl", "a1\n");
  following->Settle();
  EXPECT_EQ(following->lines(), Lines({"a1"}));
}

// Two rotations between two looks, of which the first file is not kept.
TEST(FollowedFilesLimits, FilesThatAreGoneBetweenTwoLooksAreCounted) {
  TemporaryDirectory folder;
  folder.Write("app.jsonl", "a1\n");
  Following following({folder / "app.jsonl"});
  fs::rename(folder / "app.jsonl", folder / "app.jsonl.1");
  folder.Write("app.jsonl", "b1\n");
  fs::remove(folder / "app.jsonl.1");
  fs::rename(folder / "app.jsonl", folder / "app.jsonl.1");
  folder.Write("app.jsonl", "c1\n");
  fs::rename(folder / "app.jsonl.1", folder / "elsewhere.txt");
  fs::remove(folder / "elsewhere.txt");
  for (int i = 0; i < 4; ++i) following.Settle();
  EXPECT_EQ(following.lines(), Lines({"a1", "c1"}));
  EXPECT_EQ(following.unseen(), 1u);
}

TEST(FollowedFilesLimits, FilesThatStandAndEmptyOnesAreNotMissed) {
  TemporaryDirectory folder;
  folder.Write("logs/a.jsonl", "a1\n");
  Following following({folder / "logs"});
  fs::rename(folder / "logs/a.jsonl", folder / "logs/a.jsonl.1");
  folder.Write("logs/a.jsonl", "a2\n");
  fs::rename(folder / "logs/a.jsonl", folder / "logs/a.jsonl.2");
  folder.Write("logs/a.jsonl", "a3\n");
  folder.Write("logs/b.jsonl", "b, and no end of a line");
  folder.Write("logs/c.jsonl", "");
  fs::remove(folder / "logs/c.jsonl");
  fs::copy_file(folder / "logs/a.jsonl", folder / "logs/copy.jsonl");
  for (int i = 0; i < 4; ++i) following.Settle();
  EXPECT_EQ(following.unseen(), 0u);
  fs::remove(folder / "logs/b.jsonl");
  for (int i = 0; i < 4; ++i) following.Settle();
  EXPECT_EQ(following.unseen(), 1u);
}

// More events than the kernel keeps: what they were about is found all the same.
// A row without lines is known by its name alone, which another new file may have by now.
TEST(FollowedFilesSources, OneFileIsOneSourceWhateverRowHasItsName) {
  const TemporaryDirectory folder;
  const std::string log = folder.Write("app.jsonl", "a1\n");
  FollowedFiles files({.inputs = {log}});
  files.Start();
  const FileInfo info = *Stat(log);
  const SourceKey key{.path = log, .device = info.device, .inode = info.inode};
  FollowedFile& followed = files.Add(key, Offset(), /*source_id=*/0, 0);
  EXPECT_EQ(&files.Add(key, Offset(), /*source_id=*/7, 0), &followed);
}

TEST(FollowedFilesLimits, LostEventsAreMadeUpForByALookAtEverything) {
  const std::string limit = ReadFile("/proc/sys/fs/inotify/max_queued_events", 32).value_or("0");
  const int most = std::stoi(limit);
  if (most == 0 || most > 200'000) GTEST_SKIP() << "the kernel keeps " << most << " events";
  TemporaryDirectory folder;
  folder.Write("a.jsonl", "a1\n");
  folder.Write("b.jsonl", "b1\n");
  Following following({folder.path()});
  std::ofstream noise[] = {std::ofstream(folder / "c.txt"), std::ofstream(folder / "d.txt")};
  for (int i = 0; i <= most; ++i) noise[i % 2] << "x" << std::flush;  // the same again is one event
  folder.Append("a.jsonl", "a2\n");
  fs::rename(folder / "b.jsonl", folder / "b2.jsonl");
  folder.Append("b2.jsonl", "b2\n");
  folder.Write("e.jsonl", "e1\n");
  const Lines expected({"a1", "a2", "b1", "b2", "e1"});
  // To read so many events takes a while where others keep the processors busy.
  for (int i = 0; i < 100 && following.lines() != expected; ++i) following.Settle();
  EXPECT_EQ(following.lines(), expected);
}

// Under any name, and again when each was closed for another.
TEST(FollowedFilesLimits, MoreFilesThanMayBeOpenAreAllRead) {
  const TemporaryDirectory folder;
  const auto name = [](int i) { return "f" + std::to_string(i) + ".jsonl"; };
  std::vector<std::string> all;
  for (int i = 10; i < 40; ++i) {
    folder.Write(name(i), "a" + std::to_string(i) + "\n");
    all.push_back("a" + std::to_string(i));
  }
  Following following({folder.path()}, false, {}, /*most_open=*/4);
  EXPECT_EQ(following.lines(), all);
  EXPECT_LE(following.files().open_files(), 4u);
  for (const char letter : {'b', 'c'}) {
    for (int i = 10; i < 40; ++i) {
      folder.Append(name(i), letter + std::to_string(i) + "\n");
      all.push_back(letter + std::to_string(i));
      if (letter == 'c') fs::rename(folder / name(i), folder / (name(i) + ".1"));
    }
    following.Step();
    EXPECT_LE(following.files().open_files(), 4u);
    following.Settle();
    EXPECT_EQ(following.lines(), all);
  }
  EXPECT_EQ(following.lost(), Losses());
}

TEST(FollowedFilesLimits, WhileNothingCanBeOpenedNothingIsLost) {
  const TemporaryDirectory folder;
  for (const char* name : {"renamed.jsonl", "copied.jsonl", "grown.jsonl"}) {
    folder.Write(name, std::string(name) + " 1\n");
  }
  Following following({folder / "renamed.jsonl", folder / "copied.jsonl", folder / "grown.jsonl"});
  std::this_thread::sleep_for(milliseconds(200));
  following.Settle();
  ASSERT_EQ(following.files().open_files(), 0u);

  const Lines before = following.lines();
  for (const char* name : {"renamed.jsonl", "copied.jsonl", "grown.jsonl"}) {
    folder.Append(name, std::string(name) + " 2\n");
  }
  fs::rename(folder / "renamed.jsonl", folder / "elsewhere.txt");
  fs::copy_file(folder / "copied.jsonl", folder / "copied.jsonl.1");
  fs::resize_file(folder / "copied.jsonl", 0);
  {
    const NoDescriptors none;
    for (int i = 0; i < 4; ++i) following.Settle();
    EXPECT_EQ(following.lines(), before);
    EXPECT_EQ(following.lost(), Losses());
  }
  for (int i = 0; i < 40 && following.lines().size() < 6; ++i) following.Settle();
  EXPECT_EQ(following.lines(), Lines({"copied.jsonl 1", "copied.jsonl 2", "grown.jsonl 1",
                                      "grown.jsonl 2", "renamed.jsonl 1", "renamed.jsonl 2"}));
  EXPECT_EQ(following.lost(), Losses());
}

TEST(FollowedFilesLimits, AFolderThatCannotBeListedIsNotEmpty) {
  const TemporaryDirectory folder;
  folder.Write("a.jsonl", "a1\n");
  EXPECT_EQ(EntriesOf(folder.path()).value().size(), 1u);
  EXPECT_TRUE(EntriesOf(folder / "nowhere").value().empty());
  const NoDescriptors none;
  const auto entries = EntriesOf(folder.path());
  ASSERT_FALSE(entries);
  EXPECT_EQ(entries.error().code(), StatusCode::kExhausted);
}

TEST(FollowedFilesLimits, DescriptorsAreForFilesThatGrow) {
  TemporaryDirectory folder;
  for (int i = 0; i < 50; ++i) folder.Write("f" + std::to_string(i) + ".jsonl", "x\n");
  FollowedFiles files({.inputs = {folder.path()}, .most_open = 10});
  int64_t id = 0;
  for (const std::string& path : files.Start()) {
    const Result<FileInfo> info = Stat(path);
    files.Add({.path = path, .device = info->device, .inode = info->inode}, Offset(), ++id, 0);
  }
  while (FollowedFile* file = files.NextReadable()) {
    EXPECT_TRUE(files.Open(file).ok());
    EXPECT_LE(files.open_files(), 10u);
  }
  EXPECT_EQ(files.open_files(), 10u);
}

}  // namespace
}  // namespace sluice
