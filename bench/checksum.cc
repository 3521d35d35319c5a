// SPDX-License-Identifier: Apache-2.0
// sse_checksum: what a table holds, in a few numbers, so that answers can be compared before times
// are.
//
//   sse_checksum DB TABLE COLUMN...    rows, and for each column the XXH3 of its values in rowid
//   order, types included sse_checksum --build               the SQLite that everything here is
//   linked to, and how it was compiled
//
// Both print one JSON object.
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <sqlite3.h>
#include <xxhash.h>

namespace {

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "sse_checksum: %s\n", what.c_str());
  std::exit(1);
}

void AddValue(sqlite3_stmt* row, int column, XXH3_state_t* state) {
  const auto type = static_cast<unsigned char>(sqlite3_column_type(row, column));
  XXH3_64bits_update(state, &type, 1);
  switch (type) {
    case SQLITE_INTEGER: {
      const int64_t number = sqlite3_column_int64(row, column);
      XXH3_64bits_update(state, &number, sizeof number);
      break;
    }
    case SQLITE_FLOAT: {
      const double number = sqlite3_column_double(row, column);
      XXH3_64bits_update(state, &number, sizeof number);
      break;
    }
    case SQLITE_TEXT:
    case SQLITE_BLOB: {
      const void* bytes = sqlite3_column_blob(row, column);
      const int size = sqlite3_column_bytes(row, column);
      XXH3_64bits_update(state, &size, sizeof size);
      XXH3_64bits_update(state, bytes, static_cast<size_t>(size));
      break;
    }
    default:
      break;  // NULL is its type
  }
}

void PrintChecksums(const char* path, const char* table, const std::vector<std::string>& columns) {
  sqlite3* db = nullptr;
  if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, nullptr) != SQLITE_OK) {
    Fail(std::string(path) + ": " + sqlite3_errmsg(db));
  }
  std::string sql = "SELECT ";
  for (size_t i = 0; i < columns.size(); ++i) sql += (i == 0 ? "\"" : ", \"") + columns[i] + "\"";
  sql += std::string(" FROM \"") + table + "\" ORDER BY rowid";
  sqlite3_stmt* row = nullptr;
  if (sqlite3_prepare_v2(db, sql.c_str(), -1, &row, nullptr) != SQLITE_OK) {
    Fail(std::string(path) + ": " + sqlite3_errmsg(db));
  }

  std::vector<XXH3_state_t*> states;
  for (size_t i = 0; i < columns.size(); ++i) {
    states.push_back(XXH3_createState());
    XXH3_64bits_reset(states.back());
  }
  uint64_t rows = 0;
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(row)) == SQLITE_ROW) {
    ++rows;
    for (size_t i = 0; i < columns.size(); ++i) AddValue(row, static_cast<int>(i), states[i]);
  }
  if (code != SQLITE_DONE) Fail(std::string(path) + ": " + sqlite3_errmsg(db));
  sqlite3_finalize(row);
  sqlite3_close(db);

  std::printf("{\"rows\":%" PRIu64 ",\"columns\":{", rows);
  for (size_t i = 0; i < columns.size(); ++i) {
    std::printf("%s\"%s\":\"%016" PRIx64 "\"", i == 0 ? "" : ",", columns[i].c_str(),
                static_cast<uint64_t>(XXH3_64bits_digest(states[i])));
    XXH3_freeState(states[i]);
  }
  std::printf("}}\n");
}

void PrintBuild() {
  std::printf("{\"version\":\"%s\",\"source_id\":\"%s\",\"options\":[", sqlite3_libversion(),
              sqlite3_sourceid());
  for (int i = 0; sqlite3_compileoption_get(i) != nullptr; ++i) {
    std::printf("%s\"%s\"", i == 0 ? "" : ",", sqlite3_compileoption_get(i));
  }
  std::printf("]}\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--build") {
    PrintBuild();
  } else if (argc >= 4) {
    PrintChecksums(argv[1], argv[2], {argv + 3, argv + argc});
  } else {
    std::fputs("usage: sse_checksum DB TABLE COLUMN... | --build\n", stderr);
    return 2;
  }
}
