// SPDX-License-Identifier: Apache-2.0
// A service keeps a database current on a thread of its own, until it is told to stop.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "sluice/sluice.hpp"

namespace {

int Fail(const sluice::Status& status) {
  std::printf("%s\n%s\n", status.message().c_str(), status.remedy().c_str());
  return 1;
}

}  // namespace

int main() {
  std::filesystem::create_directory("logs");

  sluice::LiveOptions options;
  options.ingest.database = "service.db";
  options.ingest.inputs = {"logs"};
  options.ingest.inputs_may_come = true;
  options.rss_budget_bytes = uint64_t{256} << 20;

  // First what is there already. This also makes the database.
  const sluice::Result<sluice::IngestSummary> history = sluice::RunIngest(options.ingest);
  if (!history) return Fail(history.error());

  // Then what comes, on a thread of its own. The hooks are called on that thread.
  sluice::StopToken stop;
  std::atomic<uint64_t> rows{0};
  sluice::LiveHooks hooks;
  hooks.status = [&](const sluice::LiveStatus& status) { rows = status.counts.rows; };
  hooks.warning = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  sluice::Result<sluice::LiveSummary> followed;
  std::thread follower([&] { followed = sluice::RunLive(options, stop, hooks); });

  std::ofstream("logs/app.jsonl") << "{\"level\":\"info\",\"ms\":12}\n{\"level\":\"error\"}\n";
  for (int i = 0; i < 300 && rows < 2; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }

  // All whole lines that were read are committed when RunLive returns.
  stop.RequestStop();
  follower.join();
  if (!followed) return Fail(followed.error());
  std::printf("%llu rows followed\n",
              static_cast<unsigned long long>(followed->ingest.counts.rows));
  return followed->ingest.counts.rows == 2 ? 0 : 1;
}
