// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "sluice/ingest.hpp"
#include "temporary_directory.h"

namespace sluice {

// A log of a few files, small enough to be ingested some thousand times, with all that a commit can
// hold: rows, rejects, blank lines, several sources and several chunks of one source. A run of
// Options() commits after every chunk, so that faults find something between two commits.
//
//   SmallIngest ingest;
//   ingest.WriteBeginning();      // as the log was at the first run
//   ingest.WriteWhole();          // and as it is at the second
//
// Two things are said of a database after a fault: ExpectSound() of whatever the run left, and that
// Everything() of it, when a run has come through, is what it is after runs without a fault.
class SmallIngest {
 public:
  SmallIngest();

  // The first part of some files; the others are not there yet.
  void WriteBeginning() const;
  void WriteWhole() const;
  std::string log_path(int file) const;
  static constexpr int kFiles = 5;

  IngestOptions Options(const std::string& database) const;

  // The error; or the first of the sources that could not be read to their end.
  static Status Run(const IngestOptions& options);

  // It passes integrity_check; each source has exactly the rows and rejects of the lines before its
  // offset, in their order (I1, I2), counted so (I9). False where it did not, so that a sweep can
  // end there.
  bool ExpectSound(const std::string& database) const;

  // All that a run leaves for good, as text: rows, rejects, offsets and counts, indexes and views.
  static std::vector<std::string> Everything(const std::string& database);

 private:
  TemporaryDirectory folder_;  // of the log and its schema
};

// The names of the files in a folder, sorted.
std::vector<std::string> FilesIn(const std::string& folder);

}  // namespace sluice
