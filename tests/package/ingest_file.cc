// SPDX-License-Identifier: Apache-2.0
// A log becomes a table of a new database; a second run finds nothing new.
#include <cstdio>
#include <fstream>
#include <string>

#include "sluice/sluice.hpp"

int main() {
  // Built with the headers of the library that is linked?
  if (sluice::VersionNumber() != SLUICE_VERSION_NUMBER) return 1;
  std::printf("sluice %s\n", sluice::Version());

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

  // Lines that could not become rows are kept in the database, with where they stood. A source that
  // could not be read to its end does not stop the others.
  for (const sluice::Status& failure : summary->failures) {
    std::printf("%s\n", failure.message().c_str());
  }

  // What would a second run do, and what does it do?
  const sluice::Result<sluice::IngestPlan> plan = sluice::PlanIngest(options);
  if (!plan) return 1;
  for (const sluice::IngestPlan::PlannedSource& source : plan->sources) {
    std::printf("%s: %s\n", source.path.c_str(), source.decision.c_str());
  }
  const sluice::Result<sluice::IngestSummary> again = sluice::RunIngest(options);

  // What a schema with fewer columns would change.
  std::ofstream("lines.toml") << "table = \"lines\"\nrowid = \"_id\"\n"
                              << "[[column]]\nname = \"level\"\ntype = \"TEXT\"\n";
  sluice::ApplyOptions apply;
  apply.database = "events.db";
  apply.schema = "lines.toml";
  apply.drop = apply.dry_run = true;
  const sluice::Result<sluice::ApplySummary> change = sluice::ApplySchema(apply);
  for (const std::string& line : change.value_or(sluice::ApplySummary()).changes)
    std::printf("%s\n", line.c_str());

  const bool right = change && change->changes.size() == 4 && summary->counts.rows == 2 &&
                     summary->counts.rejects == 1 && again && again->counts.lines == 0;
  return right ? 0 : 1;
}
