// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// One file of the working tree, as the tests of the house read it.
struct SourceFile {
  std::string path;  // from the root of the repository, "src/base/buffer.h"
  std::string text;
  std::vector<std::string_view> lines;  // views into `text`, without '\n'

  bool IsUnder(std::string_view folder) const { return path.starts_with(folder); }
  bool HasExtension(std::string_view extension) const { return path.ends_with(extension); }
  bool IsCpp() const { return HasExtension(".h") || HasExtension(".cc") || HasExtension(".hpp"); }
};

// Every file that belongs to the project, by path: what is built, fetched, or hidden by a dot is
// left out.
const std::vector<SourceFile>& SourceTree();

// The file of that path; null where there is none.
const SourceFile* FindSource(std::string_view path);

// What a line includes: `base/buffer.h` of `#include "base/buffer.h"`; empty where it includes
// nothing.
struct Include {
  std::string_view name;
  bool angled = false;
};
Include IncludeOf(std::string_view line);

}  // namespace sluice
