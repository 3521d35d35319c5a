// SPDX-License-Identifier: Apache-2.0
// The unit file in contrib/, judged by systemd itself where that is installed.
#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "run_program.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

void Replace(const std::string& what, const std::string& by, std::string* text) {
  const size_t at = text->find(what);
  ASSERT_NE(at, std::string::npos) << what;
  text->replace(at, what.size(), by);
}

class ServiceTest : public testing::Test {
 protected:
  // The unit with the program that was built, under a name that no installed unit has.
  void SetUp() override {
    const std::string path = std::string(SLUICE_SOURCE_DIR) + "/contrib/sluice@.service";
    unit_ = *ReadFile(path, 1 << 16);
    Replace("/usr/local/bin/sluice", SLUICE_PROGRAM, &unit_);
    folder_.Write("sluice-test@.service", unit_);
  }

  // "" where it is content.
  std::string Analyze(const std::string& arguments) const {
    const Outcome run = RunIn(
        folder_, {"/bin/sh", "-c", "systemd-analyze " + arguments + " ./sluice-test@.service 2>&1"},
        {});
    return run.status == 0 ? "" : run.out;
  }

  TemporaryDirectory folder_;
  std::string unit_;
};

TEST_F(ServiceTest, SystemdUnderstandsTheUnitAndFindsItHardened) {
  if (std::system("systemd-analyze security --offline=true --help >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "no systemd-analyze of systemd 250 or newer here";
  }
  EXPECT_EQ(Analyze("verify"), "");
  // From 0, all is locked away, to 100.
  EXPECT_EQ(Analyze("security --offline=true --threshold=15"), "");
}

// To systemd ${SLUICE_INPUT} is one argument, whatever is in it.
TEST_F(ServiceTest, SeveralInputsAreSeveralArguments) {
  EXPECT_THAT(unit_, testing::HasSubstr(".db $SLUICE_INPUT\n"));
}

TEST_F(ServiceTest, ItsCommandIsOneThatTheProgramTakes) {
  folder_.Write("logs/app.jsonl", "{\"a\":1}\n");
  folder_.Write("more/app.jsonl", "{\"a\":1}\n");
  folder_.Write("run/sluice-app/here", "");
  folder_.Write("lib/sluice/here", "");
  const size_t begin = unit_.find("ExecStart=") + 10;
  std::string command = unit_.substr(begin, unit_.find('\n', begin) - begin);
  for (int i = 0; i < 2; ++i) Replace("%i", "app", &command);
  Replace("%t", "run", &command);
  Replace("%S", "lib", &command);
  const Outcome run =
      RunIn(folder_, {"/bin/sh", "-c", command + " --dry-run"},
            {.environment = {{"SLUICE_INPUT", "logs more"}, {"SLUICE_TABLE", "app"}}});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.out, testing::HasSubstr("lib/sluice/app.db: would be made"));
  EXPECT_THAT(run.out, testing::AllOf(testing::HasSubstr("logs/app.jsonl"),
                                      testing::HasSubstr("more/app.jsonl"),
                                      testing::HasSubstr("table app ")));
}

}  // namespace
}  // namespace sluice
