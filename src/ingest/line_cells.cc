// SPDX-License-Identifier: Apache-2.0
#include "ingest/line_cells.h"

#include <cstring>
#include <string>

namespace sluice {

Result<const Cell*> LineCells::Of(std::string_view line) {
  bytes_.Grow(line.size(), 0);
  std::memcpy(bytes_.data(), line.data(), line.size());
  batch_.Clear();
  batch_.table = table_;
  batch_.counts.lines = 1;
  batch_.lines.push_back({{bytes_.data(), line.size()}, 1, 0});
  extractor_.Extract({}, &batch_);
  if (batch_.rows() == 1) return batch_.cells.data();
  const std::string why(batch_.rejects.empty() ? "it is blank"
                                               : Describe(batch_.rejects.front().reason));
  return Error(Status::Corruption("its line is no row: " + why));
}

}  // namespace sluice
