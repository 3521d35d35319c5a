// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "extract/recognise.h"
#include "sluice/ingest.hpp"
#include "temporary_directory.h"

namespace sluice {

// Tests over whole files: of a small corpus of our own, which takes a fresh clone along the same
// paths, and of the real files beside the repository. Skipped where those are not here.
class IngestCorpus : public testing::TestWithParam<std::string> {
 protected:
  using Shape = Recognised::Shape;

  void SetUp() override;

  std::string Path(const std::string& file) const { return corpus_ + "/" + file; }
  static Shape ShapeOf(const std::string& text) {
    return Recognise(text, SampleEnd::kNothingMore).shape;
  }
  // The preset that the file's folder is named for; "" where there is none, or the file is no JSON
  // Lines.
  std::string PresetOf(const std::string& file) const;

  IngestOptions Options(std::vector<std::string> inputs, const std::string& schema) const;
  static Result<IngestSummary> Ingest(const IngestOptions& options);

  TemporaryDirectory own_;
  TemporaryDirectory folder_;
  const std::string database_ = folder_ / "app.db";
  std::string corpus_;              // the folder that it lies in
  std::vector<std::string> files_;  // below it, sorted
};

inline const std::vector<std::string> kCorpora = {"own", "real"};
std::string NameOfCorpus(const testing::TestParamInfo<std::string>& corpus);

}  // namespace sluice
