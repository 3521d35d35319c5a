// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace sluice {

// A folder of its own for a test, gone with all that is in it when the test ends.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = std::filesystem::temp_directory_path() / "sluice-test-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "cannot make " << pattern;
    path_ = std::filesystem::canonical(pattern);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

  // Makes the file `name` (and the folders above it), or replaces what is in it. Returns its path.
  std::string Write(std::string_view name, std::string_view content) const {
    return WriteWith(name, content, std::ios::trunc);
  }
  std::string Append(std::string_view name, std::string_view content) const {
    return WriteWith(name, content, std::ios::app);
  }

 private:
  std::string WriteWith(std::string_view name, std::string_view content,
                        std::ios::openmode mode) const {
    const std::string path = *this / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream file(path, mode | std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.close();
    if (!file) ADD_FAILURE() << "cannot write " << path;
    return path;
  }

  std::string path_;
};

}  // namespace sluice
