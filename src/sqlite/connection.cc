// SPDX-License-Identifier: Apache-2.0
#include "sqlite/connection.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "sqlite/counting_vfs.h"
#include "sqlite/sqlite_error.h"

namespace sluice {
namespace {

// What SQLite says of a directory, or of a path through a missing one, is "unable to open database
// file".
Status CannotBeDatabase(const std::string& path, OpenOptions::Mode mode) {
  struct stat info {};
  if (stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) {
      return Status::Usage(path + ": this is a directory, not a database",
                           "give the path of a file in it, such as " + path + "/logs.db");
    }
    return {};
  }
  if (errno != ENOENT && errno != ENOTDIR) return {};
  if (mode != OpenOptions::Mode::kCreate) {
    return Status::NotFound(path + ": no such database", "check the path");
  }
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return {};
  const std::string folder = path.substr(0, slash);
  if (stat(folder.c_str(), &info) != 0) {
    return Status::NotFound(path + ": there is no folder " + folder,
                            "create it (mkdir -p " + folder + "), or check the path");
  }
  return {};
}

bool MayWriteIn(const std::string& directory) { return access(directory.c_str(), W_OK) == 0; }

// A WAL database that nobody has open needs a new -shm file even to be read.
Status NoWalHere(const std::string& path) {
  return Status::Io(
      path +
          ": it is in WAL mode, and SQLite can make no files in its directory, which "
          "it needs to read it: " +
          std::strerror(errno),
      "make the directory writable, or copy the database (with its -wal, where there is "
      "one) to one that is");
}

int FlagsOf(OpenOptions::Mode mode) {
  // Each connection has one thread at a time, so SQLite need not lock it (NOMUTEX).
  constexpr int kCommon = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  switch (mode) {
    case OpenOptions::Mode::kReadOnly:
      return kCommon | SQLITE_OPEN_READONLY;
    case OpenOptions::Mode::kFrozen:
      return kCommon | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
    case OpenOptions::Mode::kReadWrite:
      return kCommon | SQLITE_OPEN_READWRITE;
    case OpenOptions::Mode::kCreate:
      break;
  }
  return kCommon | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
}

// Every byte that could mean something in a URI is written as %XX. "//" after the scheme ends the
// empty authority, so that a path that begins with two slashes has none either.
std::string FrozenUri(std::string_view path) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string uri = path.starts_with('/') ? "file://" : "file:";
  for (const char c : path) {
    if (kPlain.find(c) != std::string_view::npos) {
      uri += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      uri += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return uri + "?immutable=1";
}

bool OnlyCommentsIn(std::string_view sql) {
  while (!sql.empty()) {
    if (sql.front() == ' ' || sql.front() == '\n' || sql.front() == '\t' || sql.front() == '\r' ||
        sql.front() == '\f' || sql.front() == ';') {
      sql.remove_prefix(1);
    } else if (sql.starts_with("--")) {
      sql.remove_prefix(std::min(sql.size(), sql.find('\n')));
    } else if (sql.starts_with("/*")) {
      const size_t end = sql.find("*/", 2);
      sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 2);
    } else {
      return false;
    }
  }
  return true;
}

std::string Quoted(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (const char c : text) {
    if (c == quote) quoted += quote;
    quoted += c;
  }
  quoted += quote;
  return quoted;
}

}  // namespace

// --- Statement

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)),
      condemned_(other.condemned_),
      bind_code_(other.bind_code_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this != &other) {
    sqlite3_finalize(statement_);
    statement_ = std::exchange(other.statement_, nullptr);
    condemned_ = other.condemned_;
    bind_code_ = other.bind_code_;
  }
  return *this;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::RememberBinding(int code) {
  if (code != SQLITE_OK && bind_code_ == SQLITE_OK) bind_code_ = code;
}

void Statement::BindNull(int parameter) {
  RememberBinding(sqlite3_bind_null(statement_, parameter));
}

void Statement::BindInteger(int parameter, int64_t value) {
  RememberBinding(sqlite3_bind_int64(statement_, parameter, value));
}

void Statement::BindReal(int parameter, double value) {
  RememberBinding(sqlite3_bind_double(statement_, parameter, value));
}

void Statement::BindText(int parameter, std::string_view text) {
  // A null pointer would be a NULL, not an empty text.
  const char* bytes = text.data() == nullptr ? "" : text.data();
  RememberBinding(
      sqlite3_bind_text64(statement_, parameter, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void Statement::BindBlob(int parameter, std::string_view bytes) {
  const void* data = bytes.data() == nullptr ? "" : bytes.data();
  RememberBinding(sqlite3_bind_blob64(statement_, parameter, data, bytes.size(), SQLITE_STATIC));
}

void Statement::BindCell(int parameter, const Cell& cell) {
  switch (cell.type) {
    case CellType::kNull:
      return BindNull(parameter);
    case CellType::kInteger:
      return BindInteger(parameter, cell.integer);
    case CellType::kReal:
      return BindReal(parameter, cell.real);
    case CellType::kText:
      return BindText(parameter, cell.text());
    case CellType::kBlob:
      return BindBlob(parameter, cell.text());
  }
}

Status Statement::Failed(int code) {
  sqlite3* db = sqlite3_db_handle(statement_);
  // The text of the statement, cut where it is long, says best what was being done.
  constexpr size_t kShown = 80;
  const char* text = sqlite3_sql(statement_);
  std::string sql = text == nullptr ? "" : text;
  if (sql.size() > kShown) sql = sql.substr(0, kShown) + "...";
  Status status = SqliteError(db, code, sql);
  if (IsFailedSync(code)) *condemned_ = true;
  Reset();
  return status;
}

Result<bool> Statement::Step() {
  if (*condemned_) return Error(CondemnedConnection(sqlite3_db_handle(statement_)));
  if (bind_code_ != SQLITE_OK) return Error(Failed(bind_code_));
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) return Error(Failed(code));
  Reset();
  return false;
}

Status Statement::Run() {
  while (true) {
    const Result<bool> row = Step();
    if (!row) return row.error();
    if (!*row) return {};
  }
}

void Statement::Reset() {
  sqlite3_reset(statement_);
  bind_code_ = SQLITE_OK;
}

int Statement::columns() const { return sqlite3_column_count(statement_); }
int Statement::parameters() const { return sqlite3_bind_parameter_count(statement_); }

int Statement::ParameterNamed(const std::string& name) const {
  for (const char prefix : {':', '@', '$'}) {
    const int parameter = sqlite3_bind_parameter_index(statement_, (prefix + name).c_str());
    if (parameter != 0) return parameter;
  }
  return 0;
}

std::string_view Statement::ColumnName(int column) const {
  const char* name = sqlite3_column_name(statement_, column);
  return name == nullptr ? std::string_view() : name;
}

Statement::Type Statement::TypeOf(int column) const {
  switch (sqlite3_column_type(statement_, column)) {
    case SQLITE_INTEGER:
      return Type::kInteger;
    case SQLITE_FLOAT:
      return Type::kReal;
    case SQLITE_TEXT:
      return Type::kText;
    case SQLITE_BLOB:
      return Type::kBlob;
    default:
      return Type::kNull;
  }
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

int64_t Statement::Integer(int column) const { return sqlite3_column_int64(statement_, column); }

double Statement::Real(int column) const { return sqlite3_column_double(statement_, column); }

std::string_view Statement::Text(int column) const {
  const void* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return {};
  const int size = sqlite3_column_bytes(statement_, column);
  return {static_cast<const char*>(text), static_cast<size_t>(size)};
}

std::string_view Statement::Blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  if (bytes == nullptr) return {};
  const int size = sqlite3_column_bytes(statement_, column);
  return {static_cast<const char*>(bytes), static_cast<size_t>(size)};
}

// --- Connection

// A wait that a stop ends, as SQLite asks for it.
struct Connection::BusyWait {
  // Between two tries. What SQLite's own timeout waits is from 1 to 100 ms.
  static constexpr std::chrono::milliseconds kPause{10};

  LockWait wait;
  std::chrono::steady_clock::time_point since;

  // `tries`: since the statement began to wait. Whether it is to try again.
  static int OnBusy(void* self, int tries) {
    auto* busy = static_cast<BusyWait*>(self);
    const auto now = std::chrono::steady_clock::now();
    if (tries == 0) busy->since = now;
    if (busy->wait.IsOver(now - busy->since)) return 0;
    std::this_thread::sleep_for(kPause);
    return 1;
  }
};

void Connection::SetWait(const LockWait& wait) {
  if (wait.stop == nullptr) {
    sqlite3_busy_timeout(db_, static_cast<int>(wait.longest.count()));
    busy_wait_.reset();
    return;
  }
  auto busy_wait = std::make_unique<BusyWait>(BusyWait{.wait = wait, .since = {}});
  sqlite3_busy_handler(db_, BusyWait::OnBusy, busy_wait.get());
  busy_wait_ = std::move(busy_wait);
}

// SQLite takes a file shorter than a page for an empty database, and would write over a short log
// that was named by mistake.
Status Connection::RefuseShortFile() {
  const Result<FileInfo> info = Stat(path_);
  if (!info || info->size == 0) return {};
  const Result<std::optional<int64_t>> pages = QueryInteger("PRAGMA page_count");
  if (!pages) return pages.error();
  if (*pages != 0) return {};
  return Status::Corruption(path_ + ": this file is not a database",
                            "name a database, or a new file; the database comes before the inputs");
}

Result<Connection> Connection::Open(const std::string& path, const OpenOptions& options) {
  if (const Status status = CannotBeDatabase(path, options.mode); !status.ok()) {
    return Error(status);
  }

  Connection connection;
  connection.path_ = path;
  connection.condemned_ = std::make_unique<bool>(false);
  const char* vfs = options.vfs.empty() ? CountingVfsName() : options.vfs.c_str();
  std::string name = path;
  if (options.mode == OpenOptions::Mode::kFrozen) {
    const Result<FileInfo> info = Stat(path);
    if (!info) return Error(info.error());
    connection.frozen_ = *info;
    name = FrozenUri(path);
  }
  const int code = sqlite3_open_v2(name.c_str(), &connection.db_, FlagsOf(options.mode), vfs);
  if (code != SQLITE_OK) {
    return Error(SqliteErrorAt(path, connection.db_, code, "open"));
  }
  connection.SetWait(options.wait);

  // SQLite opens anything: only a read finds out that a file is no database, or a WAL that cannot
  // be read here.
  const Result<std::optional<int64_t>> version = connection.QueryInteger("PRAGMA schema_version");
  if (!version) {
    const bool no_wal_here = (sqlite3_errcode(connection.db_) & 0xff) == SQLITE_CANTOPEN &&
                             !MayWriteIn(DirectoryOf(path));
    return Error(no_wal_here ? NoWalHere(path) : version.error());
  }
  if (Status s = connection.RefuseShortFile(); !s.ok()) return Error(s);
  // It also opens for reading what it was to write to, and would say so at the first INSERT.
  const bool may_write =
      options.mode == OpenOptions::Mode::kReadWrite || options.mode == OpenOptions::Mode::kCreate;
  if (may_write && sqlite3_db_readonly(connection.db_, "main") == 1) {
    return Error(SqliteErrorAt(path, connection.db_, SQLITE_READONLY, "open for writing"));
  }
  return connection;
}

Connection::Connection() = default;

Connection::Connection(Connection&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)),
      path_(std::move(other.path_)),
      condemned_(std::move(other.condemned_)),
      busy_wait_(std::move(other.busy_wait_)),
      frozen_(other.frozen_) {}

Connection& Connection::operator=(Connection&& other) noexcept {
  if (this != &other) {
    Connection old(std::move(*this));
    db_ = std::exchange(other.db_, nullptr);
    path_ = std::move(other.path_);
    condemned_ = std::move(other.condemned_);
    busy_wait_ = std::move(other.busy_wait_);
    frozen_ = other.frozen_;
  }
  return *this;
}

Connection::~Connection() {
  if (db_ == nullptr) return;
  if (condemned()) Condemn();
  // A statement that outlives us keeps the zombie that close_v2 makes until it is gone itself.
  sqlite3_close_v2(db_);
}

Status Connection::Usable(std::string_view doing) const {
  if (db_ == nullptr) return Status::Internal(std::string(doing) + ": the connection is closed");
  return *condemned_ ? CondemnedConnection(db_) : Status();
}

bool Connection::AllowStringsInDoubleQuotes(bool allow) {
  int before = 0;
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DQS_DML, -1, &before);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DQS_DML, allow ? 1 : 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DQS_DDL, allow ? 1 : 0, nullptr);
  return before != 0;
}

Status Connection::Execute(std::string_view sql) {
  if (Status status = Usable("execute"); !status.ok()) return status;
  while (!OnlyCommentsIn(sql)) {
    sqlite3_stmt* prepared = nullptr;
    const char* rest = nullptr;
    const int code =
        sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &prepared, &rest);
    if (code != SQLITE_OK) return SqliteErrorAt(path_, db_, code, sql);
    sql.remove_prefix(static_cast<size_t>(rest - sql.data()));
    if (prepared == nullptr) continue;
    Statement statement(prepared, condemned_.get());
    if (Status status = statement.Run(); !status.ok()) return status;
  }
  return {};
}

Result<Statement> Connection::Prepare(std::string_view sql) {
  if (Status status = Usable("prepare"); !status.ok()) return Error(status);
  sqlite3_stmt* prepared = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &prepared, &rest);
  if (code != SQLITE_OK) return Error(SqliteErrorAt(path_, db_, code, "prepare"));
  if (prepared == nullptr) return Error(Status::Usage("there is no SQL statement in this text"));
  Statement statement(prepared, condemned_.get());
  if (!OnlyCommentsIn(sql.substr(static_cast<size_t>(rest - sql.data())))) {
    return Error(Status::Usage("there is more than one SQL statement in this text",
                               "give one statement at a time"));
  }
  return statement;
}

std::optional<size_t> Connection::ErrorOffset() const {
  const int offset = sqlite3_error_offset(db_);
  return offset < 0 ? std::nullopt : std::optional(static_cast<size_t>(offset));
}

Result<std::optional<int64_t>> Connection::QueryInteger(std::string_view sql) {
  Result<Statement> statement = Prepare(sql);
  if (!statement) return Error(statement.error());
  const Result<bool> row = statement->Step();
  if (!row) return Error(row.error());
  if (!*row || statement->IsNull(0)) return std::optional<int64_t>();
  return std::optional(statement->Integer(0));
}

Result<std::optional<std::string>> Connection::QueryText(std::string_view sql) {
  Result<Statement> statement = Prepare(sql);
  if (!statement) return Error(statement.error());
  const Result<bool> row = statement->Step();
  if (!row) return Error(row.error());
  if (!*row || statement->IsNull(0)) return std::optional<std::string>();
  return std::optional(std::string(statement->Text(0)));
}

Result<std::string> Connection::Pragma(std::string_view name) {
  Result<std::optional<std::string>> value = QueryText("PRAGMA " + std::string(name));
  if (!value) return Error(value.error());
  return std::move(*value).value_or("");
}

int64_t Connection::last_insert_rowid() const { return sqlite3_last_insert_rowid(db_); }
std::string Connection::ErrorText() const { return sqlite3_errmsg(db_); }

bool Connection::ErrorIsOfValues() const {
  switch (sqlite3_errcode(db_) & 0xff) {
    case SQLITE_ERROR:
    case SQLITE_ABORT:
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
      return true;
    default:
      return false;
  }
}

bool Connection::ErrorIsOfConstraint() const {
  return (sqlite3_errcode(db_) & 0xff) == SQLITE_CONSTRAINT;
}

int64_t Connection::changes() const { return sqlite3_changes64(db_); }
bool Connection::in_transaction() const {
  return db_ != nullptr && sqlite3_get_autocommit(db_) == 0;
}

Status Connection::CheckUnchanged() const {
  if (!frozen_) return {};
  const Result<FileInfo> now = Stat(path_);
  if (!now) return now.error();
  const bool is_as_it_was = now->SameFileAs(*frozen_) && now->size == frozen_->size &&
                            now->modified_ns == frozen_->modified_ns;
  if (is_as_it_was) return {};
  return Status::Unsupported(
      path_ +
          ": it was changed while it was read, and its folder cannot be written, so it was read "
          "without locks: what was read may be wrong",
      "read it again when nobody writes to it, or make its folder writable");
}

void Connection::Condemn() {
  if (db_ == nullptr) return;
  *condemned_ = true;
  sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Status Connection::Close() {
  if (db_ == nullptr) return {};
  if (condemned()) Condemn();  // a failed fsync that a statement saw
  const int code = sqlite3_close(db_);
  if (code != SQLITE_OK) {
    return Status::Internal(path_ + ": closed while statements were open: " + sqlite3_errmsg(db_));
  }
  db_ = nullptr;
  return {};
}

// --- Transaction

Result<Transaction> Transaction::Begin(Connection* connection) {
  if (Status status = connection->Execute("BEGIN IMMEDIATE"); !status.ok()) return Error(status);
  return Transaction(connection);
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() { Rollback(); }

Status Transaction::Commit() {
  if (connection_ == nullptr) return Status::Internal("commit of a transaction that has ended");
  Status status = connection_->Execute("COMMIT");
  // Readers of a rollback-journal database were in the way, or a deferred constraint is not met:
  // nothing has happened yet.
  const bool refused =
      status.code() == StatusCode::kBusy || status.code() == StatusCode::kConstraint;
  if (refused && connection_->in_transaction()) return status;
  if (!status.ok()) connection_->Condemn();
  connection_ = nullptr;
  return status;
}

void Transaction::Rollback() {
  Connection* connection = std::exchange(connection_, nullptr);
  // SQLite has rolled back by itself after some errors. A condemned connection rolls back as it
  // closes.
  if (connection == nullptr || connection->condemned() || !connection->in_transaction()) return;
  // Where the ROLLBACK fails, the state of the file is not known to us (I8).
  if (!connection->Execute("ROLLBACK").ok()) connection->Condemn();
}

std::string QuoteName(std::string_view name) { return Quoted(name, '"'); }
std::string QuoteText(std::string_view text) { return Quoted(text, '\''); }

}  // namespace sluice
