// SPDX-License-Identifier: Apache-2.0
#include "follow/directory.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_directory.h"

namespace sluice {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

TEST(NamesBeforeShift, AreThoseWithASmallerNumber) {
  EXPECT_THAT(NamesBeforeShift("app.jsonl.2.gz"),
              ElementsAre("app.jsonl.1", "app.jsonl.1.gz", "app.jsonl.1.zst", "app.jsonl.0",
                          "app.jsonl.0.gz", "app.jsonl.0.zst"));
  EXPECT_THAT(NamesBeforeShift("app.2.jsonl"), Contains("app.1.jsonl"));
  EXPECT_THAT(NamesBeforeShift("app-010.log"), Contains("app-009.log"));
  EXPECT_THAT(NamesBeforeShift("app-010.log"), Not(Contains("app-9.log")));
  EXPECT_THAT(NamesBeforeShift("app.jsonl.99"), testing::SizeIs(3 * 16)) << "the nearest ones";
  for (const char* name : {"app.jsonl", "app.jsonl.0", "app-20260131.jsonl", "b2.jsonl", "7", ""})
    EXPECT_THAT(NamesBeforeShift(name), IsEmpty()) << name;
}

TEST(NamesBeforeRotation, AreWithoutNumberOrDate) {
  EXPECT_THAT(NamesBeforeRotation("app.jsonl.1.gz"), Contains("app.jsonl"));
  EXPECT_THAT(NamesBeforeRotation("app-20260131.jsonl"), Contains("app.jsonl"));
  EXPECT_THAT(NamesBeforeRotation("app.1.jsonl.gz"), Contains("app.jsonl"));
  EXPECT_THAT(NamesBeforeRotation("app2.jsonl"), Not(Contains("app.jsonl")));
}

TEST(Folder, TellsRotatedDatedAndPlausibleNamesApart) {
  const TemporaryDirectory folder;
  for (const char* name :
       {"app.jsonl", "app.jsonl.1", "app-20260131.jsonl", "app-2026-02-01.jsonl.gz", "app-2.jsonl",
        "app.jsonl.2.gz", "apple.jsonl", "app.jsonl2", "other-20260131.jsonl"})
    folder.Write(name, "{}\n");
  const std::vector<FileInfo> untouched;
  const Folder all(folder.path(), untouched);
  EXPECT_THAT(*all.RotatedNames("app.jsonl"), ElementsAre("app.jsonl.1", "app.jsonl.2.gz"));
  EXPECT_THAT(*all.DatedNames("app.jsonl"),
              UnorderedElementsAre("app.jsonl.1", "app.jsonl.2.gz", "app-20260131.jsonl",
                                   "app-2026-02-01.jsonl.gz"))
      << "app-2.jsonl may be another log";
  EXPECT_THAT(*all.PlausibleNames("app.jsonl"),
              UnorderedElementsAre("app.jsonl.1", "app.jsonl.2.gz", "app-20260131.jsonl",
                                   "app-2026-02-01.jsonl.gz", "app-2.jsonl"));
  EXPECT_THAT(*all.PlausibleNames("app.jsonl.1"), ElementsAre("app.jsonl.2.gz"));
}

}  // namespace
}  // namespace sluice
