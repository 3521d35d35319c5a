// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/file_header.h"

#include <cstring>
#include <string_view>
#include <vector>

#include "pagebuild/leaf_layout.h"
#include "pagebuild/row_encoder.h"
#include "pagebuild/table_leaves.h"
#include "pagebuild/tree_writer.h"

namespace sluice {
namespace {

// sqlite_schema(type TEXT, name TEXT, tbl_name TEXT, rootpage INT, sql TEXT)
Table SchemaTable() {
  Table table;
  table.rowid_column = "";
  for (const Affinity affinity :
       {Affinity::kText, Affinity::kText, Affinity::kText, Affinity::kInteger, Affinity::kText}) {
    table.columns.push_back({.affinity = affinity});
  }
  return table;
}

void LayOut(std::span<const SchemaRoot> schema, PageBlock* block) {
  const Table table = SchemaTable();
  RowEncoder encoder(table, nullptr);
  TableLeaves leaves(block);
  Arena arena;
  int64_t rowid = 0;
  for (const SchemaRoot& object : schema) {
    std::vector<Cell> row = {Cell::Text(object.entry->type), Cell::Text(object.entry->name),
                             Cell::Text(object.entry->table), Cell::Integer(object.root),
                             Cell::Text(object.entry->sql)};
    encoder.Take(row, &arena);
    leaves.Append(++rowid, encoder.size(), [&](char* to) { encoder.Write(to); });
  }
  leaves.Close();
  if (schema.empty()) leaves.AddEmptyLeaf();
}

// The header of the file (sqlite.org/fileformat2.html, 1.3), 100 bytes.
void PutFileHeader(const PageFormat& format, uint32_t pages, char* to) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  const auto put = [to](size_t offset, size_t size, uint64_t value) {
    PutBigEndian(value, size, to + offset);
  };
  std::memset(to, 0, PageFormat::kFileHeader);
  std::memcpy(to, kMagic.data(), kMagic.size());
  put(16, 2, format.page_size == 65536 ? 1 : format.page_size);
  put(18, 1, 1);   // written by the rules of a rollback journal; publish turns it to WAL
  put(19, 1, 1);   // read so, too
  put(21, 1, 64);  // the largest and smallest share of an index's payload in a cell, and the
  put(22, 1, 32);  // smallest of a table's, in 255ths: no other values are allowed
  put(23, 1, 32);
  put(24, 4, 1);  // change counter; equal to 92, it says that the page count is right
  put(28, 4, pages);
  put(40, 4, 1);  // schema cookie
  put(44, 4, 4);  // schema format
  put(56, 4, 1);  // UTF-8
  put(92, 4, 1);
}

// Whether the one leaf of the schema can stand on page 1: its cells stay where they are, its header
// and pointers move behind the file's header.
bool FitsPage1(PageBlock* block, size_t* front) {
  const auto* leaf = reinterpret_cast<const unsigned char*>(block->page(0));
  const size_t cells = static_cast<size_t>(leaf[3]) << 8 | leaf[4];
  size_t content = static_cast<size_t>(leaf[5]) << 8 | leaf[6];
  if (content == 0) content = 65536;
  *front = PageFormat::kLeafHeader + PageFormat::kPointer * cells;
  return block->pages() == 1 && PageFormat::kFileHeader + *front <= content;
}

}  // namespace

Status WriteSchema(std::span<const SchemaRoot> schema, PageFile* file) {
  const PageFormat& format = file->format();
  PageBlock block(format);
  LayOut(schema, &block);

  PageBlock first(format);
  char* const page_1 = first.page(first.AddPage());
  size_t front;
  if (FitsPage1(&block, &front)) {
    std::memcpy(page_1, block.page(0), format.page_size);
    std::memcpy(page_1 + PageFormat::kFileHeader, block.page(0), front);
  } else {
    TreeWriter tree(file, PageType::kTableInterior);
    if (Status s = tree.Write(&block); !s.ok()) return s;
    if (Status s = tree.Finish(); !s.ok()) return s;
    std::memset(page_1, 0, format.page_size);
    char* const header = page_1 + PageFormat::kFileHeader;
    header[0] = static_cast<char>(PageType::kTableInterior);
    PutBigEndian(format.page_size & 0xFFFF, 2, header + 5);  // no cells: their area is empty
    PutPageNumber(tree.root(), header + PageFormat::kLeafHeader);
  }
  PutFileHeader(format, file->pages(), page_1);
  return file->Finish(page_1);
}

}  // namespace sluice
