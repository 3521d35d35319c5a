// SPDX-License-Identifier: Apache-2.0
#include "sqlite/cell_table.h"

#include <cstring>
#include <new>

#include <sqlite3.h>

namespace sluice {
namespace {

// SQLite casts these to its own base structs, which must come first (sqlite.org/vtab.html).
struct Table {
  sqlite3_vtab base;
  CellTable::View* view;
};

struct Cursor {
  sqlite3_vtab_cursor base;
  CellTable::View* view;
  const Cell* row;
};

CellTable::View* ViewOf(sqlite3_vtab* table) { return reinterpret_cast<Table*>(table)->view; }
Cursor* Of(sqlite3_vtab_cursor* cursor) { return reinterpret_cast<Cursor*>(cursor); }

int Connect(sqlite3* db, void* view, int, const char* const*, sqlite3_vtab** table, char**) {
  std::string declaration = "CREATE TABLE x(";
  for (size_t i = 0; i < static_cast<CellTable::View*>(view)->columns; ++i) {
    if (i > 0) declaration += ',';
    declaration += 'c' + std::to_string(i);
  }
  declaration += ')';
  if (int rc = sqlite3_declare_vtab(db, declaration.c_str()); rc != SQLITE_OK) return rc;

  auto* made = new (std::nothrow) Table{};
  if (made == nullptr) return SQLITE_NOMEM;
  made->view = static_cast<CellTable::View*>(view);
  *table = &made->base;
  return SQLITE_OK;
}

int Disconnect(sqlite3_vtab* table) {
  delete reinterpret_cast<Table*>(table);
  return SQLITE_OK;
}

int BestIndex(sqlite3_vtab*, sqlite3_index_info* plan) {
  plan->estimatedCost = 1e6;  // there is one plan: all rows, in order
  return SQLITE_OK;
}

int Open(sqlite3_vtab* table, sqlite3_vtab_cursor** cursor) {
  auto* made = new (std::nothrow) Cursor{};
  if (made == nullptr) return SQLITE_NOMEM;
  made->view = ViewOf(table);
  *cursor = &made->base;
  return SQLITE_OK;
}

int Close(sqlite3_vtab_cursor* cursor) {
  delete Of(cursor);
  return SQLITE_OK;
}

int Filter(sqlite3_vtab_cursor* base, int, const char*, int, sqlite3_value**) {
  Cursor* cursor = Of(base);
  cursor->view->current = 0;
  cursor->row = cursor->view->cells;
  return SQLITE_OK;
}

int Next(sqlite3_vtab_cursor* base) {
  Cursor* cursor = Of(base);
  ++cursor->view->current;
  cursor->row += cursor->view->columns;
  return SQLITE_OK;
}

int Eof(sqlite3_vtab_cursor* cursor) { return Of(cursor)->view->current >= Of(cursor)->view->rows; }

int Column(sqlite3_vtab_cursor* cursor, sqlite3_context* result, int column) {
  const Cell& cell = Of(cursor)->row[column];
  switch (cell.type) {
    case CellType::kNull:
      break;  // NULL is what a result is when nothing sets it
    case CellType::kInteger:
      sqlite3_result_int64(result, cell.integer);
      break;
    case CellType::kReal:
      sqlite3_result_double(result, cell.real);
      break;
    case CellType::kText:
      sqlite3_result_text64(result, cell.bytes, cell.size, SQLITE_STATIC, SQLITE_UTF8);
      break;
    case CellType::kBlob:
      sqlite3_result_blob64(result, cell.bytes, cell.size, SQLITE_STATIC);
      break;
  }
  return SQLITE_OK;
}

int Rowid(sqlite3_vtab_cursor* cursor, sqlite3_int64* rowid) {
  *rowid = static_cast<sqlite3_int64>(Of(cursor)->view->current);
  return SQLITE_OK;
}

// Without xCreate the table is eponymous: it is there under the module's name, and cannot be made
// under another.
const sqlite3_module kModule = [] {
  sqlite3_module module = {};
  module.xConnect = Connect;
  module.xBestIndex = BestIndex;
  module.xDisconnect = Disconnect;
  module.xOpen = Open;
  module.xClose = Close;
  module.xFilter = Filter;
  module.xNext = Next;
  module.xEof = Eof;
  module.xColumn = Column;
  module.xRowid = Rowid;
  return module;
}();

}  // namespace

Result<CellTable> CellTable::Register(Connection& connection, const std::string& name,
                                      size_t columns) {
  auto view = std::make_unique<View>();
  view->columns = columns;
  const int rc = sqlite3_create_module(connection.handle(), name.c_str(), &kModule, view.get());
  if (rc != SQLITE_OK) return Error(SqliteError(connection.handle(), rc, "register " + name));
  return CellTable(std::move(view));
}

void CellTable::Show(const Cell* cells, size_t rows) {
  view_->cells = cells;
  view_->rows = rows;
}

size_t CellTable::current_row() const { return view_->current; }

}  // namespace sluice
