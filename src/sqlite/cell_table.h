// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/cell.h"
#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// Rows of cells in memory, as SQL sees them: a virtual table without storage.
//
//   CellTable feed = *CellTable::Register(connection, "feed", 11);
//   Statement insert = *connection.Prepare("INSERT INTO t(...) SELECT c0, c1, ... FROM feed");
//   feed.Show(cells, rows);  insert.Run();     // once per batch
//
// Why not one INSERT with parameters per row: each sqlite3_step of it opens a cursor on the table
// and on every index, and binds and resets. Here the cursors stay open for the whole batch, and a
// cell goes from our memory into the record without a copy between: 20-25 % less CPU for 11 columns
// without indexes.
//
// Lifetime: the connection outlives it; cells live until the statement that reads them is reset.
// Threads: the connection's.
class CellTable {
 public:
  // `columns` columns named c0, c1, ...
  static Result<CellTable> Register(Connection& connection, const std::string& name,
                                    size_t columns);

  // From now on the table has these rows: `rows` times its number of columns.
  void Show(const Cell* cells, size_t rows);

  // The row that the statement was reading when it stopped. Of an INSERT that was refused a row it
  // is that row only if the statement stored each row before it read the next one. SQLite does not
  // if the table has triggers: then it reads all rows first, and this is the number of rows.
  size_t current_row() const;

  // What the cursors of SQLite read. Public for the module's C functions only.
  struct View {
    const Cell* cells = nullptr;
    size_t rows = 0;
    size_t columns = 0;
    size_t current = 0;
  };

 private:
  explicit CellTable(std::unique_ptr<View> view) : view_(std::move(view)) {}
  std::unique_ptr<View> view_;  // its address is known to SQLite
};

}  // namespace sluice
