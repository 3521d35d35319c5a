// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sqlite3.h>

#include "base/cell.h"

namespace sluice {

// The cell as the parameter of a statement, for oracles. SQLite copies its bytes.
inline void BindCell(sqlite3_stmt* statement, int parameter, const Cell& cell) {
  const char* const bytes = cell.size == 0 ? "" : cell.bytes;  // a null pointer would be a NULL
  switch (cell.type) {
    case CellType::kNull:
      sqlite3_bind_null(statement, parameter);
      break;
    case CellType::kInteger:
      sqlite3_bind_int64(statement, parameter, cell.integer);
      break;
    case CellType::kReal:
      sqlite3_bind_double(statement, parameter, cell.real);
      break;
    case CellType::kText:
      sqlite3_bind_text64(statement, parameter, bytes, cell.size, SQLITE_TRANSIENT, SQLITE_UTF8);
      break;
    case CellType::kBlob:
      sqlite3_bind_blob64(statement, parameter, bytes, cell.size, SQLITE_TRANSIENT);
      break;
  }
}

}  // namespace sluice
