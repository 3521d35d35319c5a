// SPDX-License-Identifier: Apache-2.0
#include "sqlite/connection.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "sqlite/counting_vfs.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

const OpenOptions kCreate{.mode = OpenOptions::Mode::kCreate};
const OpenOptions kWrite{.mode = OpenOptions::Mode::kReadWrite};

Connection OpenOrDie(const std::string& path, const OpenOptions& options) {
  Result<Connection> connection = Connection::Open(path, options);
  EXPECT_TRUE(connection) << connection.error().message();
  return connection ? std::move(*connection) : Connection();
}

TEST(Connection, KeepsWhatIsBound) {
  TemporaryDirectory folder;
  Connection db = OpenOrDie(folder / "a.db", kCreate);
  ASSERT_TRUE(db.Execute("CREATE TABLE t(a, b, c, d, e); -- and a comment\n").ok());
  Result<Statement> insert = db.Prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?)");
  ASSERT_TRUE(insert);
  using namespace std::string_view_literals;
  insert->BindNull(1);
  insert->BindInteger(2, INT64_MIN);
  insert->BindReal(3, 0.5);
  insert->BindText(4, "nul\0inside"sv);
  insert->BindBlob(5, {});
  ASSERT_TRUE(insert->Run().ok());
  EXPECT_EQ(db.last_insert_rowid(), 1);
  EXPECT_EQ(db.changes(), 1);

  Result<Statement> select = db.Prepare("SELECT *, typeof(e) FROM t;  ");
  ASSERT_TRUE(select);
  ASSERT_TRUE(*select->Step());
  EXPECT_TRUE(select->IsNull(0));
  EXPECT_EQ(select->Integer(1), INT64_MIN);
  EXPECT_EQ(select->Real(2), 0.5);
  EXPECT_EQ(select->Text(3), "nul\0inside"sv);
  EXPECT_EQ(select->Text(5), "blob");
  EXPECT_EQ(select->TypeOf(4), Statement::Type::kBlob);
  EXPECT_FALSE(*select->Step());
}

TEST(Connection, AnEmptyTextIsNotNull) {
  TemporaryDirectory folder;
  Connection db = OpenOrDie(folder / "a.db", kCreate);
  Result<Statement> select = db.Prepare("SELECT typeof(?1)");
  ASSERT_TRUE(select);
  select->BindText(1, std::string_view());
  ASSERT_TRUE(*select->Step());
  EXPECT_EQ(select->Text(0), "text");
}

TEST(Connection, ABindingThatFailsIsToldByTheStep) {
  TemporaryDirectory folder;
  Connection db = OpenOrDie(folder / "a.db", kCreate);
  Result<Statement> select = db.Prepare("SELECT ?1");
  ASSERT_TRUE(select);
  select->BindInteger(2, 7);
  EXPECT_FALSE(select->Step());
  EXPECT_TRUE(select->Step().value_or(false)) << "the statement is usable again";
}

TEST(Connection, TakesOneStatementAtATime) {
  TemporaryDirectory folder;
  Connection db = OpenOrDie(folder / "a.db", kCreate);
  EXPECT_EQ(db.Prepare("SELECT 1; SELECT 2").error().code(), StatusCode::kUsage);
  EXPECT_EQ(db.Prepare(" -- nothing").error().code(), StatusCode::kUsage);
  EXPECT_TRUE(db.Prepare("SELECT 1; /* that is all */ -- indeed"));
}

TEST(ConnectionOpen, ADirectoryIsNoDatabase) {
  TemporaryDirectory folder;
  const Status status = Connection::Open(folder.path(), kCreate).error();
  EXPECT_EQ(status.code(), StatusCode::kUsage);
  EXPECT_NE(status.message().find("is a directory"), std::string::npos) << status.message();
}

TEST(ConnectionOpen, SaysThatTheFolderOrTheFileIsMissing) {
  TemporaryDirectory folder;
  Status status = Connection::Open(folder / "no/a.db", kCreate).error();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_NE(status.remedy().find("mkdir -p " + folder / "no"), std::string::npos);
  status = Connection::Open(folder / "a.db", kWrite).error();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
}

TEST(ConnectionOpen, SaysThatAFileIsNoDatabase) {
  TemporaryDirectory folder;
  const std::string path = folder.Write("a.db", std::string(5000, 'x'));
  const Status status = Connection::Open(path, kWrite).error();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("SQLITE_NOTADB"), std::string::npos) << status.message();
}

TEST(ConnectionOpen, LeavesThePageSizeOfANewDatabaseOpen) {
  TemporaryDirectory folder;
  Connection db = OpenOrDie(folder / "a.db", kCreate);
  ASSERT_TRUE(db.Execute("PRAGMA page_size=16384; CREATE TABLE t(a)").ok());
  EXPECT_EQ(*db.Pragma("page_size"), "16384");
}

TEST(Connection, ErrorsOfSqlSayWhatAndWhere) {
  TemporaryDirectory folder;
  Connection db = OpenOrDie(folder / "a.db", kCreate);
  const Status status = db.Execute("SELECT nope");
  EXPECT_EQ(status.code(), StatusCode::kUsage);
  EXPECT_NE(status.message().find("no such column: nope"), std::string::npos) << status.message();
  ASSERT_TRUE(db.Execute("CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES (1)").ok());
  const Status twice = db.Execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(twice.code(), StatusCode::kConstraint);
  EXPECT_NE(twice.message().find("SQLITE_CONSTRAINT_UNIQUE"), std::string::npos);
}

TEST(Transaction, RollsBackUnlessCommitted) {
  TemporaryDirectory folder;
  Connection db = OpenOrDie(folder / "a.db", kCreate);
  ASSERT_TRUE(db.Execute("CREATE TABLE t(a)").ok());
  {
    Result<Transaction> transaction = Transaction::Begin(&db);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(db.Execute("INSERT INTO t VALUES (1)").ok());
  }
  EXPECT_EQ(**db.QueryInteger("SELECT count(*) FROM t"), 0);
  Result<Transaction> transaction = Transaction::Begin(&db);
  ASSERT_TRUE(transaction);
  ASSERT_TRUE(db.Execute("INSERT INTO t VALUES (1)").ok());
  EXPECT_TRUE(transaction->Commit().ok());
  EXPECT_EQ(**db.QueryInteger("SELECT count(*) FROM t"), 1);
}

TEST(Transaction, ABusyCommitMayBeTriedAgain) {
  TemporaryDirectory folder;
  Connection db = OpenOrDie(folder / "a.db", kCreate);
  ASSERT_TRUE(db.Execute("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)").ok());
  Connection reader = OpenOrDie(folder / "a.db", {});
  Result<Statement> reading = reader.Prepare("SELECT a FROM t");
  ASSERT_TRUE(*reading->Step());

  Result<Transaction> transaction = Transaction::Begin(&db);
  ASSERT_TRUE(transaction);
  ASSERT_TRUE(db.Execute("INSERT INTO t VALUES (3)").ok());
  EXPECT_EQ(transaction->Commit().code(), StatusCode::kBusy);
  EXPECT_FALSE(db.condemned());
  reading->Reset();
  EXPECT_TRUE(transaction->Commit().ok());
}

TEST(Transaction, OneWriterAtATime) {
  TemporaryDirectory folder;
  Connection db = OpenOrDie(folder / "a.db", kCreate);
  Connection other = OpenOrDie(folder / "a.db", kWrite);
  Result<Transaction> transaction = Transaction::Begin(&db);
  ASSERT_TRUE(transaction);
  const Status status = Transaction::Begin(&other).error();
  EXPECT_EQ(status.code(), StatusCode::kBusy);
  EXPECT_NE(status.message().find("held by this process"), std::string::npos) << status.message();
}

TEST(Connection, ACondemnedOneDoesNothingMoreAndMakesNoCheckpoint) {
  TemporaryDirectory folder;
  const std::string path = folder / "a.db";
  Connection db = OpenOrDie(path, kCreate);
  ASSERT_TRUE(db.Execute("PRAGMA journal_mode=WAL; CREATE TABLE t(a)").ok());
  Result<Statement> insert = db.Prepare("INSERT INTO t VALUES (1)");
  ASSERT_TRUE(insert);
  db.Condemn();
  EXPECT_FALSE(db.Execute("INSERT INTO t VALUES (1)").ok());
  EXPECT_FALSE(insert->Run().ok());
  EXPECT_FALSE(db.Prepare("SELECT 1"));
  *insert = Statement();
  const uint64_t before = SqliteBytesWritten().database;
  EXPECT_TRUE(db.Close().ok());
  EXPECT_EQ(SqliteBytesWritten().database, before);
  EXPECT_GT(std::filesystem::file_size(path + "-wal"), 0u);
}

TEST(Connection, CloseTellsOfOpenStatements) {
  TemporaryDirectory folder;
  Connection db = OpenOrDie(folder / "a.db", kCreate);
  Result<Statement> statement = db.Prepare("SELECT 1");
  ASSERT_TRUE(statement);
  EXPECT_EQ(db.Close().code(), StatusCode::kInternal);
  *statement = Statement();
  EXPECT_TRUE(db.Close().ok());
}

// I3 keeps us clear of the WAL-reset bug of SQLite 3.7.0 to 3.51.2; the pinned amalgamation does
// not have it.
TEST(Sqlite, HasNoWalResetBug) {
  if (std::string_view(sqlite3_sourceid()).starts_with("2022"))
    GTEST_SKIP() << "the system's SQLite";
  EXPECT_GE(sqlite3_libversion_number(), 3051003);
}

TEST(CountingVfs, CountsWhereTheBytesGo) {
  TemporaryDirectory folder;
  const SqliteBytes before = SqliteBytesWritten();
  {
    Connection db = OpenOrDie(folder / "a.db", kCreate);
    ASSERT_TRUE(db.Execute("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(100000))").ok());
  }
  const SqliteBytes rollback = SqliteBytesWritten();
  EXPECT_GE(rollback.database - before.database, std::filesystem::file_size(folder / "a.db"));
  EXPECT_GT(rollback.journal, before.journal);
  EXPECT_EQ(rollback.wal, before.wal);
  {
    Connection db = OpenOrDie(folder / "a.db", kWrite);
    ASSERT_TRUE(db.Execute("PRAGMA journal_mode=WAL; UPDATE t SET a = zeroblob(100000)").ok());
    EXPECT_EQ(SqliteBytesWritten().wal - rollback.wal,
              std::filesystem::file_size(folder / "a.db-wal"));
  }
}

TEST(QuoteName, DoublesQuotes) {
  EXPECT_EQ(QuoteName("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(QuoteText("it's"), "'it''s'");
}

}  // namespace
}  // namespace sluice
