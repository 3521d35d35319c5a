// SPDX-License-Identifier: Apache-2.0
// The power fails in the middle of a run: what a disk may then hold is put together from the log of
// all writes and syncs, and is sound, agrees with its offsets (I1), and is completed by the next
// run.
#include <filesystem>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "database_view.h"
#include "fault_vfs.h"
#include "power_loss.h"
#include "small_ingest.h"
#include "temporary_directory.h"
#include "torture.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

// A database and how it is written.
struct Scene {
  const char* name;
  bool exists = false;        // with the beginning of the log
  const char* journal = "";   // its journal_mode before the run
  bool keep_journal = false;  // --keep-journal
  bool durable = false;       // --durable
  bool from_scratch = false;  // --from-scratch
  bool write_pages = true;
};

void PrintTo(const Scene& scene, std::ostream* out) { *out << scene.name; }

const Scene kScenes[] = {
    {.name = "Fresh"},
    {.name = "FreshThroughSqlite", .write_pages = false},
    {.name = "Append", .exists = true, .journal = "WAL"},
    {.name = "AppendDurable", .exists = true, .journal = "WAL", .durable = true},
    {.name = "TurnedToWal", .exists = true, .journal = "DELETE"},
    {.name = "KeepJournal", .exists = true, .journal = "DELETE", .keep_journal = true},
    {.name = "KeepJournalDurable",
     .exists = true,
     .journal = "DELETE",
     .keep_journal = true,
     .durable = true},
    {.name = "FromScratch", .exists = true, .journal = "WAL", .from_scratch = true},
};

class PowerLossSweep : public testing::TestWithParam<Scene> {
 protected:
  const Scene& scene() const { return GetParam(); }

  IngestOptions Options(const std::string& database, bool from_scratch) const {
    IngestOptions options = ingest_.Options(database);
    options.keep_journal = scene().keep_journal;
    options.durable = scene().durable;
    options.from_scratch = from_scratch;
    options.write_pages = scene().write_pages;
    return options;
  }

  void MakeOldDatabase() {
    if (!scene().exists) return;
    ingest_.WriteBeginning();
    const std::string database = folder_ / "a.db";
    const Status status = SmallIngest::Run(ingest_.Options(database));
    ASSERT_TRUE(status.ok()) << status.message();
    DatabaseView(database).Run("PRAGMA journal_mode=" + std::string(scene().journal));
    rows_before_ = DatabaseView(database).Count("SELECT count(*) FROM events");
  }

  // Runs over the database of the scene, with every write and sync logged.
  void RunLogged() {
    MakeOldDatabase();
    ingest_.WriteWhole();
    log_.emplace(folder_.path());
    FaultVfs vfs(&*log_);
    ScopedFileHook hook(log_->FileHookOf());
    const Status status = SmallIngest::Run(Options(folder_ / "a.db", scene().from_scratch));
    ASSERT_TRUE(status.ok()) << status.message();
  }

  // Cuts at `position`, looks at what is left, and runs again.
  void CutAndResume(size_t position, uint32_t seed) {
    const std::string database = after_ / "a.db";
    const FaultVfs no_syncs;
    log_->Replay(position, seed, after_.path());
    const bool there = fs::exists(database);
    EXPECT_TRUE(there || !scene().exists) << "the old database or the new one";
    if (there) {
      if (!ingest_.ExpectSound(database)) return;
      const long long rows = DatabaseView(database).Count("SELECT count(*) FROM events");
      EXPECT_GE(rows, rows_before_);
      if (seed == 0) states_.insert(rows);
    }
    // What a run has said is done, a power cut does not take back.
    const bool acknowledged = position == log_->position();
    EXPECT_TRUE(!acknowledged || (there && SmallIngest::Everything(database) == expected_));

    // From what the cut left, not from what our look has recovered.
    log_->Replay(position, seed, after_.path());
    const bool from_scratch = scene().from_scratch && seed % 2 == 1;
    const Status status = SmallIngest::Run(Options(database, from_scratch));
    ASSERT_TRUE(status.ok()) << status.message() << "\n" << status.remedy();
    EXPECT_EQ(SmallIngest::Everything(database), expected_);
    for (const std::string& name : FilesIn(after_.path())) {
      // SQLite leaves a journal that was never begun lying beside a database in WAL mode, and does
      // not take it for one that is to be played back.
      const bool empty_journal = scene().from_scratch && !from_scratch && name == "a.db-journal";
      EXPECT_TRUE(name == "a.db" || empty_journal) << name;
    }
  }

  void Sweep(const std::vector<size_t>& positions, uint32_t seeds) {
    for (const size_t position : positions) {
      for (uint32_t seed = 0; seed < seeds; ++seed) {
        SCOPED_TRACE("cut at " + std::to_string(position) + ", seed " + std::to_string(seed));
        CutAndResume(position, seed);
        if (HasFailure()) return;
      }
    }
  }

  void SetUp() override {
    RunLogged();
    if (HasFatalFailure()) return;
    expected_ = SmallIngest::Everything(folder_ / "a.db");
  }

  const SmallIngest ingest_;
  const TemporaryDirectory folder_;  // where the run was
  const TemporaryDirectory after_;   // what a cut leaves of it
  std::optional<PowerLossLog> log_;
  std::vector<std::string> expected_;
  long long rows_before_ = 0;
  std::set<long long> states_;  // counts of rows seen where nothing unsynced arrived
};

TEST_P(PowerLossSweep, AtEverySyncNothingIsLostOrDoubled) {
  Sweep(log_->SyncPositions(), 3);
  // Every commit that was made durable is a state of its own.
  const size_t commits = SmallIngest::kFiles + 1u;  // the first file has two chunks
  EXPECT_TRUE(!scene().durable || states_.size() >= commits) << states_.size();
}

class PowerLossTorture : public PowerLossSweep {};

TEST_P(PowerLossTorture, AtEveryWriteNothingIsLostOrDoubled) {
  if (ShortTorture()) return Sweep(log_->SyncPositions(), 8);
  std::vector<size_t> positions;
  for (size_t i = 0; i <= log_->position(); ++i) positions.push_back(i);
  Sweep(positions, 8);
}

std::string NameOfScene(const testing::TestParamInfo<Scene>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Ingest, PowerLossSweep, testing::ValuesIn(kScenes), NameOfScene);
INSTANTIATE_TEST_SUITE_P(Ingest, PowerLossTorture, testing::ValuesIn(kScenes), NameOfScene);

}  // namespace
}  // namespace sluice
