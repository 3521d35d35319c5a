// SPDX-License-Identifier: Apache-2.0
#include "cli/existing_database.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

#include <fmt/format.h>

#include "cli/ingest_report.h"
#include "ledger/ledger.h"
#include "sqlite/read_only.h"

namespace sluice {

namespace {

// Before SQLite opens it: closing another descriptor would drop its locks (I10).
bool LooksLikeJson(const std::string& path) {
  std::array<char, 64> begin{};
  std::ifstream file(path, std::ios::binary);
  file.read(begin.data(), begin.size());
  const std::string_view bytes(begin.data(), static_cast<size_t>(file.gcount()));
  const size_t first = bytes.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  return first != std::string_view::npos && (bytes[first] == '{' || bytes[first] == '[');
}

}  // namespace

Status IsNoJson(const std::string& path) {
  if (!LooksLikeJson(path)) return {};
  return Status::Usage(
      fmt::format("{}: this is no SQLite database, but looks like JSON", path),
      fmt::format("make a database of it first: sluice ingest app.db {}", ShellWord(path)));
}

Result<Connection> OpenExisting(const std::string& path) {
  if (path == ":memory:") {
    return Error(Status::Usage(":memory: is no file, so there is nothing in it to read",
                               "give the path of a database file"));
  }
  std::error_code ignored;
  const auto what = std::filesystem::status(path, ignored);
  if (path.empty() || !std::filesystem::exists(what)) {
    return Error(
        Status::NotFound(fmt::format("{}: there is no such database", path.empty() ? "''" : path),
                         "sluice ingest DB INPUT... makes one"));
  }
  if (std::filesystem::is_directory(what)) {
    return Error(Status::Usage(fmt::format("{}: this is a directory, not a database", path),
                               "give the path of the database file"));
  }
  if (Status s = IsNoJson(path); !s.ok()) return Error(s);
  return OpenReadOnly(path, {});
}

Status HasLedger(Connection& connection) {
  const auto exists = Ledger::Exists(connection);
  if (!exists) return exists.error();
  if (*exists) return {};
  return Status::NotFound(
      fmt::format("{}: sluice has not ingested into this database", connection.path()),
      "sluice query shows what is in it; sluice ingest adds to it");
}

}  // namespace sluice
