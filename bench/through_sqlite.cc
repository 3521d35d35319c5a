// SPDX-License-Identifier: Apache-2.0
// sluice_through_sqlite: what `sluice ingest` does for a new database, but through SQLite's API
// even where the schema lets it write pages. So a benchmark can say what the pages are worth, and
// whether they hold the same rows.
//
//   sluice_through_sqlite DB SCHEMA MEMORY_BYTES INPUT...
//
// It prints the part of the summary that bench/run reads, as one JSON object.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "sluice/ingest.hpp"

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fputs("usage: sluice_through_sqlite DB SCHEMA MEMORY_BYTES INPUT...\n", stderr);
    return 2;
  }
  sluice::IngestOptions options;
  options.database = argv[1];
  options.schema = argv[2];
  options.memory_bytes = std::strtoull(argv[3], nullptr, 10);
  options.inputs = {argv + 4, argv + argc};
  options.write_pages = false;

  const sluice::Result<sluice::IngestSummary> summary = sluice::RunIngest(options);
  if (!summary) {
    std::fprintf(stderr, "sluice_through_sqlite: %s\n", summary.error().message().c_str());
    return 1;
  }
  const double amplification =
      static_cast<double>(summary->bytes_written) / static_cast<double>(summary->bytes_decoded);
  std::printf("{\"rows\":%llu,\"rejects\":%llu,\"path\":\"%s\"",
              static_cast<unsigned long long>(summary->counts.rows),
              static_cast<unsigned long long>(summary->counts.rejects), summary->path.c_str());
  std::printf(",\"insert_seconds\":%.6f,\"index_seconds\":%.6f", summary->insert_seconds,
              summary->index_seconds);
  std::printf(",\"peak_rss_bytes\":%llu,\"write_amplification\":%.6f}\n",
              static_cast<unsigned long long>(summary->peak_rss_bytes), amplification);
}
