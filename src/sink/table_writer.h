// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch/row_batch.h"
#include "sink/insert_rules.h"
#include "sluice/schema.hpp"
#include "sluice/status.hpp"
#include "sqlite/cell_table.h"
#include "sqlite/conflict_counter.h"
#include "sqlite/connection.h"
#include "sqlite/savepoint.h"

namespace sluice {

// Inserts the rows of batches into one table, within an open transaction. The result is that of a
// loop over the rows with one plain INSERT each, in a transaction of its own: a row that the
// table refuses becomes a reject with SQLite's words, and nothing of it remains; the others go in.
//
//   { BeginTransaction → { MayRollBack → Write | UseColumns }* }*
//
// Two ways, by the table's InsertRules:
//   straight    INSERT OR FAIL ... SELECT over all rows of the batch. It stops at the row that is
//               refused, the rows before that one are stored, and it goes on after it. Only for
//               simple tables: if the table has triggers, SQLite reads all rows before it stores
//               the first one, so nobody can tell which row was refused, and the OR clause
//               overrides those of the triggers' own statements. And not for kReplace if there is
//               another key: what a DO UPDATE breaks undoes the whole statement, in spite of FAIL.
//   in pieces   INSERT ... SELECT over some rows at a time, in a savepoint. If a row of the piece
//               is refused, nothing of the piece remains, and it is halved until the row is found.
//               After that, pieces grow again by doubling. So there is work for at most some four
//               times as many rows as there are, however many are refused. (A savepoint for each
//               row would be simpler. But FTS5 writes what it has collected to its table at every
//               savepoint: 50,000 short rows took 18 s.)
//
// Counts: rows that the table took without storing them (ON CONFLICT DO NOTHING, RAISE(IGNORE)) are
// `ignored`, what a trigger deletes later changes no count. INSTEAD OF triggers of a view are not
// counted by SQLite: there each row that is not refused is a row.
//
// Errors: of the database or the machine (a full disk, a lock, a corrupt page), which end the run;
// kInternal if SQLite's count of changes is not what was counted.
//
// Lifetime: the connection outlives it. Threads: the connection's.
class TableWriter {
 public:
  struct Options {
    std::string name;              // of the virtual table and the function that it registers
    bool stop_at_refusal = false;  // the rows after a refused one are left out
  };

  // The table is there, with all its columns and keys. Lifetime: `table` outlives the writer.
  static Result<std::unique_ptr<TableWriter>> Open(Connection* connection, const Table* table,
                                                   Options options);

  // A transaction has begun: since the one before, the schema may have changed.
  void BeginTransaction() { is_checked_ = false; }
  // The table has these columns now. Lifetime: as Open.
  Status UseColumns(const Table* table);

  // Whether a row may roll back the whole transaction, which SQL of the database can ask for. Then
  // the transaction must hold nothing but one row: all before it is committed before, and all after
  // it comes after its own commit.
  Result<bool> MayRollBack();
  // The last Write did: its row is a reject, and there is no transaction any more.
  bool lost_transaction() const { return lost_transaction_; }

  Status Write(RowBatch* batch);

 private:
  enum class Way { kRefuse, kAlone, kTogether };
  enum class Outcome { kTaken, kRefused };

  TableWriter(Connection* connection, const Table* table, Options options)
      : connection_(connection), table_(table), options_(std::move(options)) {}
  Status Check();
  Result<std::string> SchemaVersion();
  Status Prepare();
  Status WhyNotPrepared(const Status& why);

  Way WayOf(const RowBatch& batch, size_t row) const;
  void RefuseWithoutKey(RowBatch* batch, size_t row);
  void Refuse(RowBatch* batch, size_t row, std::string why);
  Status WriteStraight(RowBatch* batch, size_t begin, size_t end);
  Status WriteInPieces(RowBatch* batch, size_t begin, size_t end);
  Result<Outcome> TryPiece(RowBatch* batch, size_t begin, size_t end);
  Result<Outcome> JudgeRefusal(const Status& why, size_t rows, bool is_in_savepoint);
  Status Count(RowBatch* batch, uint64_t taken, uint64_t changes, uint64_t replaced);

  Connection* connection_;
  const Table* table_;
  const Options options_;

  bool is_checked_ = false;     // in this transaction
  std::string schema_version_;  // that `rules_` and the statements are of
  InsertRules rules_;
  bool is_straight_ = false;
  std::optional<CellTable> feed_;
  std::optional<ConflictCounter> conflicts_;
  std::optional<Savepoint> savepoint_;
  Statement version_;
  Statement insert_;
  std::vector<size_t> key_columns_;  // positions of the primary key's columns

  // Of the batch at hand.
  bool has_stopped_ = false;
  bool lost_transaction_ = false;
  bool has_large_rows_ = false;
  std::string refusal_;  // SQLite's words for the piece that was refused last
};

}  // namespace sluice
