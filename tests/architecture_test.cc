// SPDX-License-Identifier: Apache-2.0
// Which room may include which: ARCHITECTURE.md's table as data. Whoever changes the architecture
// changes both here and there, in the same commit.
#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "source_tree.h"

namespace sluice {
namespace {

struct Room {
  std::string_view name;
  std::vector<std::string_view> may_include;  // besides itself
};

const std::vector<Room>& Rooms() {
  static const std::vector<Room> rooms = {
      {"base", {}},
      {"metrics", {"base"}},
      {"offset", {"base"}},
      {"schema", {"base"}},
      {"source", {"base", "offset"}},
      {"follow", {"base", "offset", "source"}},
      {"framing", {"base"}},
      {"batch", {"base", "offset", "schema"}},
      {"extract", {"base", "schema", "batch"}},
      {"sqlite", {"base"}},
      {"ledger", {"base", "offset", "schema", "sqlite"}},
      {"pagebuild", {"base", "schema", "batch"}},
      {"publish", {"base", "schema", "sqlite", "ledger"}},
      {"sink", {"base", "offset", "schema", "batch", "sqlite", "ledger", "pagebuild", "publish"}},
      {"ingest",
       {"base", "metrics", "offset", "schema", "source", "follow", "framing", "batch", "extract",
        "ledger", "sink"}},
      {"runtime", {"base", "metrics", "sqlite"}},
      {"cli",
       {"base", "metrics", "offset", "schema", "source", "follow", "framing", "batch", "extract",
        "sqlite", "ledger", "pagebuild", "publish", "sink", "ingest", "runtime"}},
  };
  return rooms;
}

const Room* FindRoom(std::string_view name) {
  const auto found = std::ranges::find(Rooms(), name, &Room::name);
  return found == Rooms().end() ? nullptr : &*found;
}

// Headers that only some rooms may include, because only those know what is behind them.
struct Reserved {
  std::string_view header;
  std::vector<std::string_view> rooms;
};
const std::vector<Reserved>& ReservedHeaders() {
  static const std::vector<Reserved> reserved = {
      // ledger and publish go through the sqlite room.
      {"sqlite3.h", {"sqlite"}},
      {"simdjson.h", {"extract"}},
      {"CLI/", {"cli"}},
      {"spdlog/", {"cli"}},
      {"toml++/", {"schema", "cli"}},
      {"zlib.h", {"source"}},
      {"zstd.h", {"source"}},
      {"xxhash.h", {"extract", "offset", "pagebuild"}},
  };
  return reserved;
}

struct RoomFile {
  const SourceFile* file;
  std::string_view room;
};

// C++ files of the rooms. A unit test reaches all rooms, as the tests under tests/ do.
std::vector<RoomFile> RoomFiles() {
  std::vector<RoomFile> files;
  for (const SourceFile& file : SourceTree()) {
    if (!file.IsUnder("src/") || !file.IsCpp() || file.path.ends_with("_test.cc")) continue;
    const std::string_view below = std::string_view(file.path).substr(4);
    files.push_back({&file, below.substr(0, std::min(below.find('/'), below.size()))});
  }
  return files;
}

std::string_view FirstFolder(std::string_view include) {
  const size_t slash = include.find('/');
  return slash == std::string_view::npos ? std::string_view{} : include.substr(0, slash);
}

// The public headers, by the room that keeps what they promise: to include one is to include from
// that room.
const std::map<std::string_view, std::string_view>& PublicHeaders() {
  static const std::map<std::string_view, std::string_view> headers = {
      {"sluice/status.hpp", "base"},         {"sluice/stop.hpp", "base"},
      {"sluice/version.hpp", "base"},        {"sluice/offset.hpp", "offset"},
      {"sluice/schema.hpp", "schema"},       {"sluice/apply_schema.hpp", "ingest"},
      {"sluice/import_scope.hpp", "sqlite"}, {"sluice/ingest.hpp", "ingest"},
      {"sluice/live.hpp", "ingest"},         {"sluice/pipe.hpp", "source"},
  };
  return headers;
}

// The room that an include of ours is from.
std::string_view RoomOf(std::string_view include) {
  const auto header = PublicHeaders().find(include);
  if (header != PublicHeaders().end()) return header->second;
  return FirstFolder(include);
}

TEST(Architecture, EveryFolderUnderSrcIsARoom) {
  for (const RoomFile& file : RoomFiles()) {
    EXPECT_NE(FindRoom(file.room), nullptr)
        << file.file->path << ": no such room in tests/architecture_test.cc";
    for (std::string_view vague : {"util", "helper", "common", "misc", "manager"}) {
      EXPECT_EQ(file.file->path.find(vague), std::string::npos)
          << file.file->path << ": name the thing by what it is, not '" << vague << "'";
    }
  }
}

TEST(Architecture, RoomsIncludeOnlyWhatTheTableAllows) {
  for (const auto& [file, room_name] : RoomFiles()) {
    const Room* room = FindRoom(room_name);
    if (room == nullptr) continue;
    for (std::string_view line : file->lines) {
      const Include include = IncludeOf(line);
      if (include.name.empty() || include.angled) continue;
      const std::string_view other = RoomOf(include.name);
      if (other == room_name) continue;
      EXPECT_TRUE(std::ranges::find(room->may_include, other) != room->may_include.end())
          << file->path << " includes \"" << include.name << "\", which room '" << room_name
          << "' may not";
    }
  }
}

TEST(Architecture, ReservedHeadersStayInTheirRooms) {
  for (const auto& [file, room] : RoomFiles()) {
    for (std::string_view line : file->lines) {
      const Include include = IncludeOf(line);
      for (const Reserved& reserved : ReservedHeaders()) {
        if (!include.name.starts_with(reserved.header)) continue;
        EXPECT_TRUE(std::ranges::find(reserved.rooms, room) != reserved.rooms.end())
            << file->path << " includes <" << include.name << ">, which is for "
            << reserved.rooms.front() << " only";
      }
    }
  }
}

TEST(Architecture, PublicHeadersHaveNoThirdPartyTypes) {
  for (const SourceFile& file : SourceTree()) {
    if (!file.IsUnder("include/")) continue;
    for (std::string_view line : file.lines) {
      const Include include = IncludeOf(line);
      if (include.name.empty()) continue;
      const bool standard = include.angled && include.name.find_first_of("./") == std::string::npos;
      EXPECT_TRUE(standard || include.name.starts_with("sluice/"))
          << file.path << " includes " << include.name
          << ": public headers know the standard library and each other";
    }
  }
}

// Follows the includes from one file; `path` is how it came there.
void ExpectNoCycle(const SourceFile& file, std::vector<std::string_view>* path,
                   std::set<std::string_view>* done) {
  if (done->contains(file.path)) return;
  if (std::ranges::find(*path, file.path) != path->end()) {
    std::string way;
    for (std::string_view step : *path) way += std::string(step) + " > ";
    ADD_FAILURE() << "headers include each other: " << way << file.path;
    return;
  }
  path->push_back(file.path);
  for (std::string_view line : file.lines) {
    const Include include = IncludeOf(line);
    if (include.name.empty() || include.angled) continue;
    for (std::string_view root : {"src/", "include/"}) {
      const SourceFile* next = FindSource(std::string(root) + std::string(include.name));
      if (next != nullptr) ExpectNoCycle(*next, path, done);
    }
  }
  path->pop_back();
  done->insert(file.path);
}

// Who reads an installed header has neither this repository nor, perhaps, the program.
TEST(Architecture, PublicHeadersStandAlone) {
  const std::regex citation(R"(\bI[0-9]+\b|(^|[^\w-])--[a-z]|\b(docs|src|tests)/)");
  for (const SourceFile& file : SourceTree()) {
    if (!file.IsUnder("include/sluice/")) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(std::string(file.lines[i]), citation))
          << file.path << ":" << i + 1 << ": say it in full: invariants by number, options of the "
          << "program and files of this repository mean nothing to who includes it";
    }
  }
}

TEST(Architecture, HeadersDoNotIncludeEachOtherInACircle) {
  std::set<std::string_view> done;
  for (const RoomFile& file : RoomFiles()) {
    std::vector<std::string_view> path;
    ExpectNoCycle(*file.file, &path, &done);
  }
}

// The table above is itself without circles: rooms form layers.
TEST(Architecture, RoomsFormLayers) {
  std::map<std::string_view, size_t> place;
  for (size_t i = 0; i < Rooms().size(); ++i) place[Rooms()[i].name] = i;
  for (const Room& room : Rooms()) {
    for (std::string_view other : room.may_include) {
      ASSERT_TRUE(place.contains(other)) << room.name << " may include '" << other << "'?";
      EXPECT_LT(place[other], place[room.name]) << room.name << " stands before " << other;
    }
  }
}

TEST(Architecture, TheTableInTheDocumentIsTheTableHere) {
  const SourceFile* document = FindSource("ARCHITECTURE.md");
  ASSERT_NE(document, nullptr);
  for (const Room& room : Rooms()) {
    std::string allowed;
    for (std::string_view other : room.may_include) {
      allowed += allowed.empty() ? "" : " ";
      allowed += other;
    }
    if (room.name == "cli") allowed = "everything";
    if (allowed.empty()) allowed = "–";
    const std::string begin = "| " + std::string(room.name) + " |";
    const std::string end = "| " + allowed + " |";
    EXPECT_TRUE(std::ranges::any_of(
        document->lines,
        [&](std::string_view line) { return line.starts_with(begin) && line.ends_with(end); }))
        << "ARCHITECTURE.md: no line `" << begin << " … " << end << "`";
  }
}

}  // namespace
}  // namespace sluice
