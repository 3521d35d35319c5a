// SPDX-License-Identifier: Apache-2.0
#include "source/inputs.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <span>
#include <utility>

#include <errno.h>
#include <fnmatch.h>

#include "base/file.h"

namespace sluice {
namespace {

constexpr std::array<std::string_view, 2> kExtensions = {".jsonl", ".ndjson"};
constexpr std::array<std::string_view, 3> kCompressions = {"", ".gz", ".zst"};
constexpr std::array<std::string_view, 4> kDatabaseFiles = {"", "-wal", "-shm", "-journal"};

std::vector<std::string> NamesOf(std::string_view path) {
  std::vector<std::string> names;
  for (;;) {
    const size_t slash = path.find('/');
    names.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return names;
    path.remove_prefix(slash + 1);
  }
}

bool NamesMatch(std::span<const std::string> globs, std::span<const std::string> names) {
  if (globs.empty()) return names.empty();
  if (globs[0] == "**") {
    for (size_t skipped = 0; skipped <= names.size(); ++skipped) {
      if (NamesMatch(globs.subspan(1), names.subspan(skipped))) return true;
    }
    return false;
  }
  return !names.empty() && fnmatch(globs[0].c_str(), names[0].c_str(), 0) == 0 &&
         NamesMatch(globs.subspan(1), names.subspan(1));
}

bool HasExtension(std::string_view path) {
  for (std::string_view compression : kCompressions) {
    if (!path.ends_with(compression)) continue;
    const std::string_view stem = path.substr(0, path.size() - compression.size());
    for (std::string_view extension : kExtensions) {
      if (stem.ends_with(extension)) return true;
    }
  }
  return false;
}

// A glob whose last name has a dot asks for names of its own: --include '*.log'.
bool NamesAnExtension(std::string_view glob) {
  return glob.substr(glob.rfind('/') + 1).find('.') != std::string_view::npos;
}

Status CheckGlobs(const std::vector<std::string>& globs) {
  for (const std::string& glob : globs) {
    if (glob.empty() || glob.front() == '/') {
      return Status::Usage("'" + glob + "' is no glob for paths below a directory",
                           "write it relative to the INPUT, such as 'project-a/**' or '*.log'");
    }
  }
  return {};
}

// Below /proc and /sys files have bytes and no size. One that has got its first bytes meanwhile has
// a size by now.
bool IsWithoutSize(const std::string& path) {
  char byte = 0;
  Result<File> file = File::Open(path, File::Mode::kRead);
  if (!file) return false;
  const Result<size_t> read = file->PRead(&byte, 1, 0);
  if (!read || *read == 0) return false;
  const Result<FileInfo> now = file->Info();
  return now && now->size == 0;
}

class Expansion {
 public:
  Expansion(const InputFilter& filter, const std::string& database,
            std::vector<std::string>* awaited)
      : filter_(filter), awaited_(awaited) {
    if (database.empty()) return;
    const std::string resolved = CanonicalPath(database).value_or(database);
    for (std::string_view suffix : kDatabaseFiles) {
      if (const Result<FileInfo> info = Stat(resolved + std::string(suffix))) {
        database_files_.push_back(*info);
      }
    }
  }

  Status Add(const std::string& argument) {
    if (argument == "-") return AddStdin();
    const Result<FileInfo> info = Stat(argument);
    if (!info) return CheckDirectoryOf(argument, info.error());
    if (info->kind == FileKind::kDirectory) return AddDirectory(argument, *info);
    return AddFile(argument, *info);
  }

  std::vector<std::string> TakePaths() { return std::move(paths_); }

 private:
  using Identity = std::pair<uint64_t, uint64_t>;  // device, inode

  // A file may come; where its directory is missing as well, the path is more likely a typo.
  Status CheckDirectoryOf(const std::string& argument, const Status& failure) {
    const std::string directory = DirectoryOf(argument);
    const Result<FileInfo> info = Stat(directory);
    const bool is_there = info && info->kind == FileKind::kDirectory;
    if (is_there || awaited_ == nullptr) return PassOver(argument, failure);
    return Status::NotFound(argument + ": there is no folder " + directory,
                            "create it (mkdir -p " + directory + "), or check the path");
  }

  // What is missing, where that may be.
  Status PassOver(const std::string& path, const Status& failure) {
    if (awaited_ == nullptr || failure.code() != StatusCode::kNotFound) return failure;
    awaited_->push_back(path);
    return {};
  }

  Status AddStdin() {
    if (std::exchange(has_stdin_, true)) {
      return Status::Usage("stdin is named twice", "give - once");
    }
    paths_.push_back("-");
    return {};
  }

  Status AddFile(const std::string& path, const FileInfo& info) {
    for (const FileInfo& database_file : database_files_) {
      if (!info.SameFileAs(database_file)) continue;
      return Status::Usage(path + " is the database that is to be written",
                           "name the files that hold the JSON Lines");
    }
    if (info.kind == FileKind::kRegular && info.size == 0 && IsWithoutSize(path)) {
      return Status::Usage(path + " is a file of the kernel, which does not say how long it is",
                           "read it as a pipe: cat " + path + " | sluice ingest DB -");
    }
    // Pipes have inodes of their own, but are never the same twice.
    const bool is_new =
        info.kind != FileKind::kRegular || files_.insert(Identity(info.device, info.inode)).second;
    if (is_new) paths_.push_back(path);
    return {};
  }

  // Files below it are found first and taken in order afterwards: which of two names of one file is
  // taken then does not hang on the order that the file system has.
  Status AddDirectory(const std::string& directory, const FileInfo& info) {
    directories_.clear();
    std::vector<std::string> found;
    if (Status status = Walk(directory, info, "", &found); !status.ok()) return status;
    std::sort(found.begin(), found.end());
    for (const std::string& below : found) {
      const std::string path = Join(directory, below);
      const Result<FileInfo> file = Stat(path);
      if (!file) {
        if (Status status = PassOver(path, file.error()); !status.ok()) return status;
        continue;
      }
      if (file->kind != FileKind::kRegular) continue;
      if (Status status = AddFile(path, *file); !status.ok()) return status;
    }
    return {};
  }

  // Appends the paths below `directory`, itself at `prefix` below the INPUT, that the filter takes.
  Status Walk(const std::string& directory, const FileInfo& info, const std::string& prefix,
              std::vector<std::string>* found) {
    if (!directories_.insert(Identity(info.device, info.inode)).second) return {};
    std::vector<std::filesystem::directory_entry> entries;
    if (Status status = List(directory, &entries); !status.ok()) return PassOver(directory, status);
    for (const std::filesystem::directory_entry& entry : entries) {
      const std::string name = entry.path().filename().string();
      if (name.front() == '.') continue;
      const std::string below = prefix + name;
      std::error_code error;
      if (entry.is_directory(error)) {
        if (IsExcluded(filter_, below)) continue;
        const std::string path = Join(directory, name);
        const Result<FileInfo> child = Stat(path);
        Status status =
            child ? Walk(path, *child, below + "/", found) : PassOver(path, child.error());
        if (!status.ok()) return status;
      } else if (IsTaken(filter_, below)) {
        found->push_back(below);
      }
    }
    return {};
  }

  static Status List(const std::string& directory,
                     std::vector<std::filesystem::directory_entry>* entries) {
    std::error_code error;
    std::filesystem::directory_iterator at(directory, error);
    while (!error && at != std::filesystem::directory_iterator()) {
      entries->push_back(*at);
      at.increment(error);
    }
    if (error) return SystemError(error.value(), "read folder " + directory);
    std::sort(entries->begin(), entries->end());
    return {};
  }

  const InputFilter& filter_;
  std::vector<std::string>* const awaited_;  // nullptr: all must be there
  std::vector<FileInfo> database_files_;
  std::vector<std::string> paths_;
  std::set<Identity> files_;
  std::set<Identity> directories_;  // of the argument that is walked
  bool has_stdin_ = false;
};

}  // namespace

bool IsExcluded(const InputFilter& filter, std::string_view path) {
  return std::any_of(filter.exclude.begin(), filter.exclude.end(),
                     [path](const std::string& glob) { return GlobMatches(glob, path); });
}

bool IsTaken(const InputFilter& filter, std::string_view path) {
  if (IsExcluded(filter, path)) return false;
  if (filter.include.empty()) return HasExtension(path);
  return std::any_of(filter.include.begin(), filter.include.end(), [path](const std::string& glob) {
    return GlobMatches(glob, path) && (HasExtension(path) || NamesAnExtension(glob));
  });
}

bool GlobMatches(std::string_view glob, std::string_view path) {
  const std::vector<std::string> names = NamesOf(path);
  const std::vector<std::string> globs = NamesOf(glob);
  if (globs.size() == 1 && globs[0] != "**") {
    return NamesMatch(globs, std::span(names).last(1));
  }
  return NamesMatch(globs, names);
}

Result<std::vector<std::string>> ExpandInputs(const std::vector<std::string>& arguments,
                                              const InputFilter& filter,
                                              const std::string& database,
                                              std::vector<std::string>* awaited) {
  for (const auto* globs : {&filter.include, &filter.exclude}) {
    if (Status status = CheckGlobs(*globs); !status.ok()) return Error(status);
  }
  Expansion expansion(filter, database, awaited);
  for (const std::string& argument : arguments) {
    if (Status status = expansion.Add(argument); !status.ok()) return Error(status);
  }
  return expansion.TakePaths();
}

}  // namespace sluice
