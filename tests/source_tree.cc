// SPDX-License-Identifier: Apache-2.0
#include "source_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace sluice {
namespace {

namespace fs = std::filesystem;

bool IsForeign(const std::string& name) {
  return name.starts_with(".") || name == "build" || name.starts_with("build-");
}

// Scripts have no extension. Databases and other makings of a run lie about here and there, but not
// as these.
bool IsText(const fs::path& path) {
  static constexpr std::string_view kExtensions[] = {
      "", ".h", ".cc", ".hpp", ".md", ".txt", ".cmake", ".in", ".toml", ".json", ".sql", ".py"};
  return std::ranges::find(kExtensions, path.extension().string()) != std::end(kExtensions);
}

SourceFile Read(const fs::path& root, const fs::path& path) {
  SourceFile file;
  file.path = path.lexically_relative(root).generic_string();
  std::ifstream stream(path, std::ios::binary);
  file.text.assign(std::istreambuf_iterator<char>(stream), {});
  return file;
}

std::vector<SourceFile> ReadTree() {
  const fs::path root = SLUICE_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (auto entry = fs::recursive_directory_iterator(root); entry != fs::end(entry); ++entry) {
    if (IsForeign(entry->path().filename().string())) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file() && IsText(entry->path())) {
      files.push_back(Read(root, entry->path()));
    }
  }
  std::ranges::sort(files, {}, &SourceFile::path);

  // Only now, when no file moves any more: the lines are views.
  for (SourceFile& file : files) {
    std::string_view rest = file.text;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      file.lines.push_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return files;
}

}  // namespace

const std::vector<SourceFile>& SourceTree() {
  static const std::vector<SourceFile> files = ReadTree();
  return files;
}

const SourceFile* FindSource(std::string_view path) {
  const auto found = std::ranges::find(SourceTree(), path, &SourceFile::path);
  return found == SourceTree().end() ? nullptr : &*found;
}

Include IncludeOf(std::string_view line) {
  static constexpr std::string_view kInclude = "#include ";
  if (!line.starts_with(kInclude)) return {};
  line.remove_prefix(kInclude.size());
  const bool angled = line.starts_with('<');
  const size_t end = line.find(angled ? '>' : '"', 1);
  if (end == std::string_view::npos) return {};
  return {line.substr(1, end - 1), angled};
}

}  // namespace sluice
