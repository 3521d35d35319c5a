// SPDX-License-Identifier: Apache-2.0
#include "small_ingest.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include <gtest/gtest.h>

#include "database_view.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSchema = R"(table = "events"
[[column]]
name = "source"
from = "@source"
[[column]]
name = "line_number"
from = "@line_number"
type = "INTEGER"
[[column]]
name = "n"
from = "/n"
type = "INTEGER"
[[column]]
name = "text"
from = "/text"
[[index]]
name = "idx_events_n"
columns = ["n"]
[[index]]
name = "idx_events_text"
columns = ["text"]
[[view]]
name = "short_events"
sql = "SELECT n FROM events WHERE length(text) < 10"
)";

constexpr int kLinesPerFile = 24;

// The first file is longer than a chunk.
std::string TextOfLine(int file, int line) {
  return std::string(file == 0 ? 4000 : 20, static_cast<char>('a' + line % 26));
}

std::string TextOfFile(int file, int lines) {
  std::string text;
  for (int i = 0; i < lines; ++i) {
    const std::string number = std::to_string(file * 1000 + i);
    if (i % 7 == 3) text += "\n";
    if (i % 11 == 5) text += "not json " + number + "\n";
    text += "{\"n\":" + number + ",\"text\":\"" + TextOfLine(file, i) + "\"}\n";
  }
  return text;
}

// What is in the lines of `text`: the numbers of its rows, and how many are something else.
struct Lines {
  std::vector<std::string> rows;
  long long rejects = 0;
  long long blank = 0;
};

Lines Count(const std::string& text) {
  Lines lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.empty()) {
      ++lines.blank;
    } else if (line[0] == '{') {
      lines.rows.push_back(line.substr(5, line.find(',') - 5));
    } else {
      ++lines.rejects;
    }
  }
  return lines;
}

std::string ContentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

SmallIngest::SmallIngest() { folder_.Write("events.toml", kSchema); }

std::string SmallIngest::log_path(int file) const {
  return folder_ / ("logs/" + std::to_string(file) + ".jsonl");
}

void SmallIngest::WriteBeginning() const {
  for (int file = 0; file < kFiles; ++file) {
    fs::remove(log_path(file));
    if (file % 2 == 0) {
      folder_.Write("logs/" + std::to_string(file) + ".jsonl", TextOfFile(file, 5));
    }
  }
}

void SmallIngest::WriteWhole() const {
  for (int file = 0; file < kFiles; ++file) {
    folder_.Write("logs/" + std::to_string(file) + ".jsonl", TextOfFile(file, kLinesPerFile));
  }
}

IngestOptions SmallIngest::Options(const std::string& database) const {
  IngestOptions options;
  options.database = database;
  options.inputs = {folder_ / "logs"};
  options.schema = folder_ / "events.toml";
  options.memory_bytes = uint64_t{8} << 20;
  options.threads = 1;
  options.commit_rows = 1;                     // after each chunk
  options.wal_cap_bytes = uint64_t{32} << 10;  // a checkpoint after each second commit or so
  options.wait = std::chrono::milliseconds(0);
  return options;
}

Status SmallIngest::Run(const IngestOptions& options) {
  const StopToken never;
  const Result<IngestSummary> summary = RunIngest(options, never, {});
  if (!summary) return summary.error();
  return summary->failures.empty() ? Status() : summary->failures.front();
}

bool SmallIngest::ExpectSound(const std::string& database) const {
  DatabaseView view(database);
  bool sound = true;
  const auto expect = [&sound](const auto& is, const auto& should, const std::string& what) {
    EXPECT_EQ(is, should) << what;
    sound = sound && is == should;
  };
  expect(view.Integrity(), std::string("ok"), "integrity_check");

  const std::vector<std::string> sources = view.Rows("SELECT id FROM _sluice_sources ORDER BY id");
  for (const std::string& id : sources) {
    const std::string of_source = " FROM _sluice_sources WHERE id = " + id;
    const std::string path = view.One("SELECT path" + of_source);
    const auto offset = static_cast<size_t>(view.Count("SELECT byte_offset" + of_source));
    const Lines before = Count(ContentOf(path).substr(0, offset));
    expect(view.Rows("SELECT n FROM events WHERE source = '" + path + "' ORDER BY rowid"),
           before.rows, "rows of " + path + " before byte " + std::to_string(offset));
    expect(view.Count("SELECT count(*) FROM _sluice_rejects WHERE source_id = " + id),
           before.rejects, "rejects of " + path);
    const auto rows = static_cast<long long>(before.rows.size());
    expect(view.One("SELECT lines || ' ' || rows || ' ' || rejects || ' ' || blank" + of_source),
           std::to_string(rows + before.rejects + before.blank) + " " + std::to_string(rows) + " " +
               std::to_string(before.rejects) + " " + std::to_string(before.blank),
           "counts of " + path);
  }
  expect(view.Count("SELECT count(*) FROM events WHERE source NOT IN "
                    "(SELECT path FROM _sluice_sources)"),
         0LL, "rows without an offset");
  return sound;
}

std::vector<std::string> SmallIngest::Everything(const std::string& database) {
  DatabaseView view(database);
  EXPECT_EQ(view.Integrity(), "ok");
  std::vector<std::string> all;
  for (const char* sql :
       {"SELECT source, line_number, n, text FROM events ORDER BY source, line_number",
        "SELECT s.path, r.line_number, r.byte_offset, r.reason, r.line FROM _sluice_rejects AS r "
        "JOIN _sluice_sources AS s ON s.id = r.source_id ORDER BY 1, 2",
        "SELECT path, byte_offset, line_number, lines, rows, rejects, blank, unfinished FROM "
        "_sluice_sources ORDER BY path",
        "SELECT type, name, sql FROM sqlite_schema WHERE name LIKE '%events%' ORDER BY name"}) {
    const std::vector<std::string> rows = view.Rows(sql);
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace sluice
