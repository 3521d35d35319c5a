// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/status.hpp"

namespace sluice {

// SQLite's column affinities (sqlite.org/datatype3.html, 3.1).
enum class Affinity : uint8_t { kBlob, kText, kNumeric, kInteger, kReal };

// Where a cell comes from.
enum class Origin : uint8_t {
  kPointer,     // JSON Pointers
  kLine,        // @line: the text of the line
  kSource,      // @source: the path of the source
  kLineNumber,  // @line_number: 1 for its first line
  kByteOffset,  // @byte_offset: where the line begins in the source, in decoded bytes
  kIngestedAt,  // @ingested_at: when the run began, UTC, as 2026-01-31T23:59:59.123Z
  // @extra: a JSON object of the top-level keys that no column takes, and of values no column may
  // hold
  kExtra,
};

struct Column {
  std::string name;
  std::string declared_type;  // after the name in CREATE TABLE, for example "TEXT NOT NULL"
  Affinity affinity = Affinity::kBlob;
  Origin origin = Origin::kPointer;
  // RFC 6901. Each but the first is applied to the JSON text that the one before it found in a
  // string. Empty unless origin is kPointer.
  std::vector<std::string> pointers;
  // A JSON string that the numeric affinity would turn into a number ("02139") goes to @extra
  // instead. Only `auto` sets it: a schema that a person wrote means what SQLite does.
  bool keep_strings_out = false;
};

struct Index {
  std::string name;
  std::vector<std::string> columns;
  bool unique = false;
};

struct View {
  std::string name;
  std::string sql;         // the SELECT
  std::string place = "";  // "file:line" that it was read from, for messages; it is not stored
};

// An FTS5 table with external content: it stores the index, the text stays in the table.
struct FullText {
  std::string name;
  std::vector<std::string> columns;
  std::string tokenize;  // "" is FTS5's default
};

enum class OnConflict : uint8_t {
  kReject,   // a row whose primary key is there already is a reject
  kIgnore,   // the row that is there stays, and the new one is counted as ignored
  kReplace,  // the new row takes its place
};

// A table to fill: what a schema file says, resolved. A value; the database keeps it as text
// (ToToml).
struct Table {
  std::string name;
  // Names of our indexes begin with it; IngestOptions::sync_indexes drops others of it.
  std::string index_prefix;
  // An INTEGER PRIMARY KEY of this name, not among `columns`; "" for none.
  std::string rowid_column = "id";
  std::vector<Column> columns;           // 1 to kMaxColumns
  std::vector<std::string> primary_key;  // names of columns; then rowid_column is ""
  OnConflict on_conflict = OnConflict::kReject;
  std::vector<Index> indexes;
  std::vector<View> views;
  std::vector<FullText> full_texts;
  // Presets whose tables are made beside this one, empty, because views of this one read them too.
  std::vector<std::string> companions;
  bool any_json = false;  // `raw`: a line may be any JSON text, not only an object
  std::string preset;     // the preset it came from, "auto", or "" for a file
  bool edited = false;    // a file that names a preset, and differs from it
  bool foreign =
      false;  // the table was there before sluice: its columns' definitions are its owner's
};

// SQLITE_MAX_COLUMN is 2,000; one of them is the rowid column.
inline constexpr size_t kMaxColumns = 1'999;

// A schema file (TOML; ToToml shows the form), read and checked. `name` is how messages call it.
// Errors: kUsage, "file:line: what" and the remedy: an unknown key, a bad pointer, a name twice, an
// index on no column, ... What comes back passes CheckTable.
Result<Table> ParseSchema(std::string_view toml, std::string_view name);
Result<Table> LoadSchema(const std::string& path);

// The table as a schema file, which ParseSchema reads to the same Table if it passes CheckTable.
std::string ToToml(const Table& table);

// Whether the table can be made: for tables that were put together by hand.
Status CheckTable(const Table& table);

// The presets, in the order in which `schema list` names them.
struct Preset {
  std::string_view name;
  std::string_view summary;  // one line
  std::string_view toml;
};
const std::vector<Preset>& Presets();
// kUsage with the names there are, when there is none of that name.
Result<Table> LoadPreset(std::string_view name);

// What a person should think over: an index on text that may be large, ... One line each.
std::vector<std::string> SchemaWarnings(const Table& table);

}  // namespace sluice
