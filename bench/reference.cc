// SPDX-License-Identifier: Apache-2.0
// sse_reference: the technique to beat, done well. It reads 8 MiB at a time, finds the bytes
// `"key":"` in each line instead of parsing it, binds what follows, and lets SQLite forget about
// safety; the indexes come at the end.
//
//   sse_reference fresh  DB FILE               journal_mode=OFF, synchronous=OFF, 1 GiB cache,
//                                              50,000 rows or 1 s a transaction
//   sse_reference append DB FILE               the same into an existing database, its indexes in
//                                              place
//   sse_reference live   DB FILE [CACHE_KIB]   WAL, synchronous=NORMAL, 16 MiB cache, 5,000 rows or
//                                              50 ms a transaction, indexes in place
//
// It prints its phases as one JSON object. It is linked to the SQLite that sluice is linked to, so
// that only the technique differs. What it does not do: notice a line that is no JSON, unescape all
// there is to unescape, or survive a crash.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sqlite3.h>
#include <time.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

// Of this process, user and system: what stays comparable on a machine that does other things as
// well.
double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double Seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "sse_reference: %s\n", what.c_str());
  std::exit(1);
}

struct Mode {
  std::string_view name;
  const char* pragmas;
  int rows_per_transaction;
  std::chrono::milliseconds time_per_transaction;
  bool creates;
};

constexpr Mode kModes[] = {
    {"fresh", "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-1048576;",
     50'000, std::chrono::milliseconds(1000), true},
    {"append", "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-1048576;",
     50'000, std::chrono::milliseconds(1000), false},
    {"live", "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16384;", 5'000,
     std::chrono::milliseconds(50), false},
};

constexpr const char* kCreateTable =
    "CREATE TABLE IF NOT EXISTS sse_lines(id INTEGER PRIMARY KEY, line TEXT NOT NULL, event TEXT, "
    "t TEXT, sid TEXT,"
    " flow_id TEXT, round INTEGER, metadata TEXT, meta_pid INTEGER, meta_cwd TEXT, meta_turn_id "
    "TEXT)";
constexpr const char* kCreateIndexes =
    "CREATE INDEX IF NOT EXISTS idx_sse_flow_id ON sse_lines(flow_id);"
    "CREATE INDEX IF NOT EXISTS idx_sse_sid ON sse_lines(sid);"
    "CREATE INDEX IF NOT EXISTS idx_sse_t ON sse_lines(t);"
    "CREATE INDEX IF NOT EXISTS idx_sse_meta_pid ON sse_lines(meta_pid);"
    "CREATE INDEX IF NOT EXISTS idx_sse_meta_cwd ON sse_lines(meta_cwd);"
    "CREATE INDEX IF NOT EXISTS idx_sse_round ON sse_lines(round);"
    "CREATE INDEX IF NOT EXISTS idx_sse_meta_turn_id ON sse_lines(meta_turn_id);";
constexpr const char* kInsert =
    "INSERT INTO sse_lines(line, event, t, sid, flow_id, round, metadata, meta_pid, meta_cwd, "
    "meta_turn_id)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

// The bytes after `needle`, up to the quote that ends them; a null view where the needle is not in
// `text`.
std::string_view FindText(std::string_view text, std::string_view needle) {
  const void* found = memmem(text.data(), text.size(), needle.data(), needle.size());
  if (found == nullptr) return {};
  const char* begin = static_cast<const char*>(found) + needle.size();
  const char* end = begin;
  const char* limit = text.data() + text.size();
  while (end < limit && *end != '"') end += *end == '\\' ? 2 : 1;
  return {begin, static_cast<size_t>((end < limit ? end : limit) - begin)};
}

// The digits after `needle`; -1 where there are none.
int64_t FindNumber(std::string_view text, std::string_view needle) {
  const void* found = memmem(text.data(), text.size(), needle.data(), needle.size());
  if (found == nullptr) return -1;
  const char* at = static_cast<const char*>(found) + needle.size();
  const char* limit = text.data() + text.size();
  if (at >= limit || *at < '0' || *at > '9') return -1;
  int64_t number = 0;
  for (; at < limit && *at >= '0' && *at <= '9'; ++at) number = number * 10 + (*at - '0');
  return number;
}

// Takes the backslashes off: enough for JSON in a string that holds no control characters.
std::string_view Unescape(std::string_view text, std::string* into) {
  into->clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    into->push_back(text[i]);
  }
  return *into;
}

class Loader {
 public:
  // `cache_kib` where it is not the mode's own.
  Loader(const char* path, const Mode& mode, const char* cache_kib) : mode_(mode) {
    if (sqlite3_open(path, &db_) != SQLITE_OK) Fail(sqlite3_errmsg(db_));
    Execute(mode.pragmas);
    if (cache_kib != nullptr) {
      Execute((std::string("PRAGMA cache_size=-") + cache_kib).c_str());
    }
    if (mode.name != "append") Execute(kCreateTable);
    // A live database has its indexes from its first row on.
    if (mode.name == "live") Execute(kCreateIndexes);
    if (sqlite3_prepare_v3(db_, kInsert, -1, SQLITE_PREPARE_PERSISTENT, &insert_, nullptr) !=
        SQLITE_OK) {
      Fail(sqlite3_errmsg(db_));
    }
  }
  ~Loader() {
    sqlite3_finalize(insert_);
    sqlite3_close(db_);
  }

  void Add(std::string_view line) {
    if (in_transaction_ == 0) {
      Execute("BEGIN");
      begun_ = Clock::now();
    }
    BindText(1, line);
    BindText(2, FindText(line, R"("event":")"));
    BindText(3, FindText(line, R"("t":")"));
    BindText(4, FindText(line, R"("sid":")"));
    BindText(5, FindText(line, R"("flow_id":")"));
    BindNumber(6, FindNumber(line, R"("round":)"));
    std::string_view metadata = FindText(line, R"("metadata":")");
    if (metadata.data() != nullptr) metadata = Unescape(metadata, &metadata_);
    BindText(7, metadata);
    BindNumber(8, FindNumber(metadata, R"("pid":)"));
    BindText(9, FindText(metadata, R"("cwd":")"));
    BindText(10, FindText(metadata, R"("turn_id":")"));
    if (sqlite3_step(insert_) != SQLITE_DONE) Fail(sqlite3_errmsg(db_));
    sqlite3_reset(insert_);
    ++rows_;
    ++in_transaction_;
    // The clock is looked at once in 256 rows.
    if (in_transaction_ >= mode_.rows_per_transaction ||
        (in_transaction_ % 256 == 0 && Clock::now() - begun_ >= mode_.time_per_transaction)) {
      Commit();
    }
  }
  void Commit() {
    if (in_transaction_ > 0) Execute("COMMIT");
    in_transaction_ = 0;
  }
  void CreateIndexes() { Execute(kCreateIndexes); }

  std::string Pragma(const char* name) {
    sqlite3_stmt* statement = nullptr;
    const std::string sql = std::string("PRAGMA ") + name;
    sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr);
    std::string value;
    if (sqlite3_step(statement) == SQLITE_ROW) {
      value = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    return value;
  }
  uint64_t rows() const { return rows_; }

 private:
  void Execute(const char* sql) {
    if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) Fail(sqlite3_errmsg(db_));
  }
  void BindText(int parameter, std::string_view text) {
    sqlite3_bind_text(insert_, parameter, text.data(), static_cast<int>(text.size()),
                      SQLITE_STATIC);
  }
  void BindNumber(int parameter, int64_t number) {
    if (number < 0) {
      sqlite3_bind_null(insert_, parameter);
    } else {
      sqlite3_bind_int64(insert_, parameter, number);
    }
  }

  const Mode& mode_;
  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  std::string metadata_;
  uint64_t rows_ = 0;
  int in_transaction_ = 0;
  Clock::time_point begun_;
};

void Load(const char* path, Loader* loader) {
  static constexpr size_t kReadBytes = size_t{8} << 20;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) Fail(std::string("cannot open ") + path);
  std::vector<char> buffer(2 * kReadBytes);
  size_t kept = 0;  // bytes at the front of the buffer: a line of which the end was not read yet
  for (;;) {
    if (buffer.size() - kept < kReadBytes) buffer.resize(buffer.size() * 2);
    const ssize_t got = read(file, buffer.data() + kept, kReadBytes);
    if (got < 0) Fail(std::string("cannot read ") + path);
    if (got == 0) break;
    const char* at = buffer.data();
    const char* limit = at + kept + got;
    while (const void* newline = memchr(at, '\n', static_cast<size_t>(limit - at))) {
      const char* end = static_cast<const char*>(newline);
      loader->Add({at, static_cast<size_t>(end - at)});
      at = end + 1;
    }
    kept = static_cast<size_t>(limit - at);
    std::memmove(buffer.data(), at, kept);
  }
  if (kept > 0) loader->Add({buffer.data(), kept});
  loader->Commit();
  close(file);
}

void SyncToDisk(const char* path) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || fsync(file) != 0) Fail(std::string("cannot sync ") + path);
  close(file);
}

}  // namespace

int main(int argc, char** argv) {
  const Mode* mode = nullptr;
  for (const Mode& each : kModes) {
    if ((argc == 4 || argc == 5) && each.name == argv[1]) mode = &each;
  }
  if (mode == nullptr) {
    std::fputs("usage: sse_reference fresh|append|live DB FILE [CACHE_KIB]\n", stderr);
    return 2;
  }

  const Clock::time_point begin = Clock::now();
  Loader loader(argv[2], *mode, argc == 5 ? argv[4] : nullptr);
  Load(argv[3], &loader);
  const Clock::time_point inserted = Clock::now();
  const double insert_cpu = CpuSeconds();
  if (mode->creates) loader.CreateIndexes();
  const Clock::time_point indexed = Clock::now();
  const double index_cpu = CpuSeconds() - insert_cpu;
  // What it wrote is in the page cache only; a comparison with a program that syncs needs this
  // number too.
  SyncToDisk(argv[2]);
  const Clock::time_point synced = Clock::now();

  std::printf("{\"mode\":\"%s\",\"rows\":%llu", argv[1],
              static_cast<unsigned long long>(loader.rows()));
  std::printf(",\"insert_seconds\":%.6f,\"index_seconds\":%.6f,\"sync_seconds\":%.6f",
              Seconds(begin, inserted), Seconds(inserted, indexed), Seconds(indexed, synced));
  std::printf(",\"insert_cpu_seconds\":%.6f,\"index_cpu_seconds\":%.6f", insert_cpu, index_cpu);
  std::printf(",\"sqlite\":\"%s\",\"pragmas\":{", sqlite3_libversion());
  std::printf("\"journal_mode\":\"%s\",", loader.Pragma("journal_mode").c_str());
  std::printf("\"synchronous\":\"%s\",", loader.Pragma("synchronous").c_str());
  std::printf("\"cache_size\":\"%s\"}}\n", loader.Pragma("cache_size").c_str());
}
