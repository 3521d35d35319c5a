// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/cell.h"
#include "base/file.h"
#include "base/lock_wait.h"
#include "sluice/status.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace sluice {

// A Status that says what SQLite said: path, what was being done, SQLite's message, the extended
// code by name; with a remedy where there is one. SQLITE_BUSY names the processes that hold the
// database. `db` may be null, as after an open that found no memory.
Status SqliteError(sqlite3* db, int code, std::string_view doing);

// A prepared statement, kept and used again.
// Threads: the connection's. Lifetime: the connection outlives it.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  // Parameters count from 1. Text and blobs are not copied: they must live until Reset() or the
  // next binding. A binding that fails (no such parameter, longer than SQLite's limit) is reported
  // by the Step() that follows.
  void BindNull(int parameter);
  void BindInteger(int parameter, int64_t value);
  void BindReal(int parameter, double value);
  void BindText(int parameter, std::string_view text);
  void BindBlob(int parameter, std::string_view bytes);
  void BindCell(int parameter, const Cell& cell);

  // true: a row is there. false: done. After an error or `false` the statement is reset.
  Result<bool> Step();
  // Runs it to its end and resets it.
  Status Run();
  void Reset();

  int columns() const;
  int parameters() const;
  // The number of the parameter :name, @name or $name; 0 where there is none.
  int ParameterNamed(const std::string& name) const;
  std::string_view ColumnName(int column) const;
  // What SQLite calls the type of the value: SQLITE_INTEGER ... SQLITE_NULL.
  enum class Type { kInteger, kReal, kText, kBlob, kNull };
  Type TypeOf(int column) const;
  bool IsNull(int column) const;
  int64_t Integer(int column) const;
  double Real(int column) const;
  std::string_view Text(int column) const;  // valid until the next Step or Reset
  std::string_view Blob(int column) const;

  sqlite3_stmt* handle() const { return statement_; }

 private:
  friend class Connection;
  Statement(sqlite3_stmt* statement, bool* condemned)
      : statement_(statement), condemned_(condemned) {}
  void RememberBinding(int code);
  Status Failed(int code);

  sqlite3_stmt* statement_ = nullptr;
  bool* condemned_ = nullptr;  // the connection's
  int bind_code_ = 0;          // of the first binding since Reset() that failed
};

struct OpenOptions {
  // kFrozen reads the file without locks and without its WAL (SQLite's `immutable`). It is right
  // only if nobody writes to the database meanwhile: see Connection::CheckUnchanged.
  enum class Mode { kReadOnly, kReadWrite, kCreate, kFrozen };
  Mode mode = Mode::kReadOnly;
  LockWait wait;  // of a statement, for a lock that another connection holds
  // The name of a registered VFS. "" is the counting VFS over SQLite's default one.
  std::string vfs = "";
};

// One database connection.
//
// Threads: one at a time (I3: one write connection per database file and process).
// Errors: Open() reads the header, so that a file which is no database is told there. After a
// failed COMMIT or fsync the connection is condemned: every further call fails, and Close() makes
// no checkpoint (I8). Transaction::Commit and Statement see to that themselves; who runs COMMIT by
// other means calls Condemn().
class Connection {
 public:
  static Result<Connection> Open(const std::string& path, const OpenOptions& options);

  Connection();
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  ~Connection();

  // A string in double quotes is no error: triggers and views of other programs may hold some,
  // because SQLite takes them unless it was built otherwise, as ours is. For a connection whose SQL
  // nobody types: a misspelt column would be a string.
  // Returns whether it took them before.
  bool AllowStringsInDoubleQuotes(bool allow = true);
  // One or more statements, results thrown away.
  Status Execute(std::string_view sql);
  // One statement. What follows it, other than white space and comments, is an error.
  Result<Statement> Prepare(std::string_view sql);
  // After a failed Prepare: the byte of the SQL that it stumbled over; nullopt where it was none of
  // them.
  std::optional<size_t> ErrorOffset() const;
  // The first column of the first row; nullopt where there is no row, or NULL in it.
  Result<std::optional<int64_t>> QueryInteger(std::string_view sql);
  Result<std::optional<std::string>> QueryText(std::string_view sql);
  // A PRAGMA's value as text, "" where it gives none: Pragma("main.cache_size").
  Result<std::string> Pragma(std::string_view name);

  // What SQLite itself said of the last call that failed: "UNIQUE constraint failed: t.id".
  std::string ErrorText() const;
  // Whether it failed because of the values it was given (a constraint, a type, a function's
  // argument, a size): then other values may pass. The other errors are of the database or of the
  // machine.
  bool ErrorIsOfValues() const;
  // Of these: whether a constraint or a trigger refused a row.
  bool ErrorIsOfConstraint() const;

  // As OpenOptions::wait, from now on.
  void SetWait(const LockWait& wait);

  int64_t last_insert_rowid() const;
  int64_t changes() const;
  bool in_transaction() const;
  const std::string& path() const { return path_; }
  sqlite3* handle() const { return db_; }
  bool condemned() const { return condemned_ != nullptr && *condemned_; }

  // kUnsupported if the database was opened as kFrozen and its file has changed since: then rows
  // that were read may be of different times. Ok in every other mode.
  Status CheckUnchanged() const;

  // After a failed COMMIT or fsync: from now on nothing is written through it, and Close() makes no
  // checkpoint (I8).
  void Condemn();
  // All statements must be gone. The destructor closes too, and waits for statements that are not.
  Status Close();

 private:
  Status RefuseShortFile();
  Status Usable(std::string_view doing) const;

  struct BusyWait;
  sqlite3* db_ = nullptr;
  std::string path_;
  std::unique_ptr<bool>
      condemned_;  // on the heap, so that statements find it when the connection has moved
  std::unique_ptr<BusyWait> busy_wait_;  // as above, for SQLite; none where only the time ends it
  std::optional<FileInfo> frozen_;       // the file as it was when it was opened as kFrozen
};

// BEGIN IMMEDIATE … COMMIT. Rolls back when it ends uncommitted.
// Lifetime: the connection outlives it, and does not move meanwhile.
class Transaction {
 public:
  // kBusy when another writer held the database for longer than the connection's busy timeout.
  static Result<Transaction> Begin(Connection* connection);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // A failure condemns the connection (I8), unless it is SQLITE_BUSY, after which the transaction
  // still stands.
  Status Commit();
  void Rollback();

 private:
  explicit Transaction(Connection* connection) : connection_(connection) {}
  Connection* connection_;  // null once it has ended
};

// "name" with its quotes doubled, and in quotes.
std::string QuoteName(std::string_view name);
// 'text' with its quotes doubled, and in quotes.
std::string QuoteText(std::string_view text);

}  // namespace sluice
