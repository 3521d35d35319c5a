// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sluice {

// A Status that says what SQLite said: the primary and extended code as words, the message of the connection, the path; with
// a remedy where there is one (SQLITE_FULL, SQLITE_BUSY, SQLITE_READONLY, SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CANTOPEN).
Status SqliteError(sqlite3* db, int code, std::string_view doing);

// A prepared statement, kept and used again.
// Threads: the connection's. Lifetime: the connection outlives it.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  // Parameters count from 1. Text and blobs are not copied: they must live until Reset() or the next binding.
  void BindNull(int parameter);
  void BindInteger(int parameter, int64_t value);
  void BindReal(int parameter, double value);
  void BindText(int parameter, std::string_view text);
  void BindBlob(int parameter, std::string_view bytes);

  // true: a row is there. false: done. After an error or `false` the statement is reset.
  Result<bool> Step();
  // Runs it to its end and resets it.
  Status Run();
  void Reset();

  int columns() const;
  bool IsNull(int column) const;
  int64_t Integer(int column) const;
  double Real(int column) const;
  std::string_view Text(int column) const;  // valid until the next Step or Reset
  std::string_view Blob(int column) const;

  sqlite3_stmt* handle() const { return statement_; }

 private:
  friend class Connection;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  sqlite3_stmt* statement_ = nullptr;
};

struct OpenOptions {
  enum class Mode { kReadOnly, kReadWrite, kCreate };
  Mode mode = Mode::kReadOnly;
  // How long a statement waits for a lock that another connection holds.
  std::chrono::milliseconds busy_timeout{0};
  // The name of a registered VFS; "" is the default. For tests that inject faults.
  std::string vfs;
};

// One database connection.
//
// Threads: one at a time (I3: one write connection per database file and process).
// Errors: after a failed COMMIT the owner calls Condemn(), and Close() then neither checkpoints nor writes (I8).
class Connection {
 public:
  static Result<Connection> Open(const std::string& path, const OpenOptions& options);

  Connection() = default;
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  ~Connection();

  // One or more statements, results thrown away.
  Status Execute(std::string_view sql);
  Result<Statement> Prepare(std::string_view sql);
  // The first column of the first row; nullopt where there is no row.
  Result<std::optional<int64_t>> QueryInteger(std::string_view sql);
  Result<std::optional<std::string>> QueryText(std::string_view sql);
  // Reads a PRAGMA's value back as text: QueryText("PRAGMA name").
  Result<std::string> Pragma(std::string_view name);

  int64_t last_insert_rowid() const;
  int64_t changes() const;
  bool in_transaction() const;
  const std::string& path() const { return path_; }
  sqlite3* handle() const { return db_; }

  // After a failed COMMIT or fsync: from now on nothing is written through it, and Close() makes no checkpoint (I8).
  void Condemn();
  Status Close();

 private:
  sqlite3* db_ = nullptr;
  std::string path_;
  bool condemned_ = false;
};

// BEGIN IMMEDIATE … COMMIT. Rolls back when it ends uncommitted.
class Transaction {
 public:
  // kBusy when another writer held the database for longer than the connection's busy timeout.
  static Result<Transaction> Begin(Connection* connection);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // A failure condemns the connection (I8), unless it is SQLITE_BUSY, after which the transaction still stands.
  Status Commit();
  void Rollback();

 private:
  explicit Transaction(Connection* connection) : connection_(connection) {}
  Connection* connection_;
};

// "name" with its quotes doubled, and in quotes.
std::string QuoteName(std::string_view name);

}  // namespace sluice
