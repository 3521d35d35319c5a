// SPDX-License-Identifier: Apache-2.0
// A log becomes a table of a new database; a second run finds nothing new.
#include <cstdio>
#include <fstream>

#include "sluice/sluice.hpp"

int main() {
  std::ofstream("events.jsonl") << R"({"level":"info","ms":12})"
                                << "\n"
                                << R"({"level":"error","ms":840})"
                                << "\n"
                                << "Segmentation fault\n";

  sluice::IngestOptions options;
  options.database = "events.db";
  options.inputs = {"events.jsonl"};
  const sluice::Result<sluice::IngestSummary> summary = sluice::RunIngest(options);
  if (!summary) {
    std::printf("%s\n%s\n", summary.error().message().c_str(), summary.error().remedy().c_str());
    return 1;
  }
  std::printf("%llu rows, %llu rejects\n", static_cast<unsigned long long>(summary->counts.rows),
              static_cast<unsigned long long>(summary->counts.rejects));

  const sluice::Result<sluice::IngestSummary> again = sluice::RunIngest(options);
  const bool right = summary->counts.rows == 2 && summary->counts.rejects == 1 && again &&
                     again->counts.lines == 0;
  return right ? 0 : 1;
}
