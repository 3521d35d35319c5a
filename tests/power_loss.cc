// SPDX-License-Identifier: Apache-2.0
#include "power_loss.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

#include <gtest/gtest.h>

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSector = 512;

std::string ContentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A change of content that is not synced yet.
struct Change {
  bool truncates = false;
  uint64_t offset = 0;  // or the new size
  std::string_view bytes;
};

void Apply(const Change& change, std::string* content) {
  if (change.truncates) {
    content->resize(change.offset);
    return;
  }
  const uint64_t end = change.offset + change.bytes.size();
  if (content->size() < end) content->resize(end);
  content->replace(change.offset, change.bytes.size(), change.bytes);
}

// A file, whatever it is called at the moment.
struct Node {
  std::string safe;
  std::vector<Change> unsynced;
};
using NodePointer = std::shared_ptr<Node>;
using Names = std::map<std::string, NodePointer>;

// Which of the unsynced changes arrived.
std::string ContentAfterCut(const Node& node, uint32_t seed, std::mt19937* random) {
  std::string content = node.safe;
  if (seed == 0) return content;
  // By chance: a prefix, as most disks do it, or any subset.
  const bool all = seed == 1;
  const bool any_subset = (*random)() % 2 == 0;
  const size_t cut = node.unsynced.empty() ? 0 : (*random)() % (node.unsynced.size() + 1);
  for (size_t i = 0; i < node.unsynced.size(); ++i) {
    const bool arrived = all || (any_subset ? (*random)() % 2 == 0 : i < cut);
    Change change = node.unsynced[i];
    if (!arrived) {
      // The one at the cut may be torn.
      const bool torn = !any_subset && i == cut && !change.truncates && (*random)() % 2 == 0;
      if (!torn) continue;
      const uint64_t sectors = change.bytes.size() / kSector;
      change.bytes = change.bytes.substr(0, ((*random)() % (sectors + 1)) * kSector);
    }
    Apply(change, &content);
  }
  return content;
}

}  // namespace

PowerLossLog::PowerLossLog(std::string directory) : directory_(std::move(directory)) {
  for (const auto& entry : fs::directory_iterator(directory_)) {
    if (entry.is_regular_file()) initial_[entry.path().filename()] = ContentOf(entry.path());
  }
}

void PowerLossLog::Log(std::string_view path, Operation operation) {
  const fs::path whole(path);
  if (whole.parent_path() != directory_) return;
  operation.name = whole.filename();
  if (operation.name.ends_with("-shm")) return;
  const std::lock_guard lock(mutex_);
  operations_.push_back(std::move(operation));
}

using Path = std::string_view;
void PowerLossLog::Created(Path path) { Log(path, {Operation::Kind::kCreate, ""}); }
void PowerLossLog::Written(Path path, uint64_t offset, std::string_view bytes) {
  Log(path, {Operation::Kind::kWrite, "", "", offset, std::string(bytes)});
}
void PowerLossLog::Truncated(Path path, uint64_t size) {
  Log(path, {Operation::Kind::kTruncate, "", "", size});
}
void PowerLossLog::Synced(Path path) { Log(path, {Operation::Kind::kSync, ""}); }
void PowerLossLog::Renamed(Path from, Path to) {
  Log(from, {Operation::Kind::kRename, "", fs::path(to).filename()});
}
void PowerLossLog::Removed(Path path) { Log(path, {Operation::Kind::kRemove, ""}); }
void PowerLossLog::DirectorySynced() {
  Log(directory_ + "/.", {Operation::Kind::kSyncDirectory, ""});
}

FileHook PowerLossLog::FileHookOf() {
  return [this](const FileEvent& event) {
    switch (event.call) {
      case FileCall::kOpen:
        if (event.creates && !fs::exists(event.path)) Created(event.path);
        break;
      case FileCall::kWrite:
        Written(event.path, event.offset, event.bytes);
        break;
      case FileCall::kTruncate:
        Truncated(event.path, event.offset);
        break;
      case FileCall::kSync:
        Synced(event.path);
        break;
      case FileCall::kRename:
        Renamed(event.path, event.to);
        break;
      case FileCall::kRemove:
        Removed(event.path);
        break;
      case FileCall::kSyncDirectory:
        if (fs::path(event.path) == directory_) DirectorySynced();
        break;
      case FileCall::kRead:
        break;
    }
    return 0;
  };
}

size_t PowerLossLog::position() const {
  const std::lock_guard lock(mutex_);
  return operations_.size();
}

std::vector<size_t> PowerLossLog::SyncPositions() const {
  const std::lock_guard lock(mutex_);
  std::vector<size_t> positions;
  for (size_t i = 0; i < operations_.size(); ++i) {
    const Operation::Kind kind = operations_[i].kind;
    if (kind == Operation::Kind::kSync || kind == Operation::Kind::kSyncDirectory) {
      positions.push_back(i);
    }
  }
  positions.push_back(operations_.size());
  return positions;
}

void PowerLossLog::Replay(size_t position, uint32_t seed, const std::string& directory) const {
  const std::lock_guard lock(mutex_);
  std::mt19937 random(seed * 2654435761U + static_cast<uint32_t>(position));

  // `names` as the programs saw them, and what the directory was after each change since its last
  // sync.
  Names names;
  for (const auto& [name, content] : initial_) {
    names[name] = std::make_shared<Node>(Node{content, {}});
  }
  std::vector<Names> versions = {names};

  for (size_t i = 0; i < position; ++i) {
    const Operation& operation = operations_[i];
    NodePointer& node = names[operation.name];
    if (node == nullptr) node = std::make_shared<Node>();
    switch (operation.kind) {
      case Operation::Kind::kWrite:
        node->unsynced.push_back({false, operation.offset, operation.bytes});
        continue;
      case Operation::Kind::kTruncate:
        node->unsynced.push_back({true, operation.offset, {}});
        continue;
      case Operation::Kind::kSync:
        for (const Change& change : node->unsynced) Apply(change, &node->safe);
        node->unsynced.clear();
        continue;
      case Operation::Kind::kSyncDirectory:
        names.erase(operation.name);  // "." is no file
        versions = {names};
        continue;
      case Operation::Kind::kCreate:
        break;
      case Operation::Kind::kRename:
        names[operation.to] = node;
        names.erase(operation.name);
        break;
      case Operation::Kind::kRemove:
        names.erase(operation.name);
        break;
    }
    versions.push_back(names);
  }

  const size_t version = seed == 0   ? 0
                         : seed == 1 ? versions.size() - 1
                                     : random() % versions.size();
  for (const auto& entry : fs::directory_iterator(directory)) fs::remove_all(entry);
  for (const auto& [name, node] : versions[version]) {
    const std::string content = ContentAfterCut(*node, seed, &random);
    std::ofstream file(directory + "/" + name, std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    EXPECT_TRUE(file.good()) << name;
  }
}

}  // namespace sluice
