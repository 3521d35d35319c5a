// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <optional>
#include <span>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/existing_database.h"
#include "cli/formats.h"
#include "cli/json_writer.h"
#include "cli/query_parameters.h"
#include "cli/reject_text.h"
#include "schema/names.h"
#include "sqlite/read_only.h"

namespace sluice {
namespace {

constexpr const char* kExamples = R"(# a table here, CSV into a pipe or a file
sluice query app.db 'SELECT level, count(*) AS n FROM lines GROUP BY 1 ORDER BY 2 DESC'
# values apart from the SQL
sluice query app.db 'SELECT * FROM lines WHERE level = ? AND ms > :least' warn :least=1.5
# one value, as it is
sluice query agents.db 'SELECT line FROM sse_lines WHERE id = 7' --format raw
# SQL from a file
sluice query app.db - --format ndjson < report.sql)";

struct QueryRequest {
  std::shared_ptr<CommonOptions> common = std::make_shared<CommonOptions>();
  std::string database;
  std::string sql;
  std::vector<std::string> parameters;
  bool text_parameters = false;
  std::optional<RowFormat> format;
  std::chrono::milliseconds time_limit{30'000};
  std::optional<uint64_t> max_rows;
};

std::vector<std::pair<std::string, std::optional<RowFormat>>> QueryFormats() {
  return {RowFormats().begin(), RowFormats().end()};
}

Result<std::string> ReadStdin() {
  std::string text;
  char buffer[size_t{16} << 10];
  for (size_t got; (got = std::fread(buffer, 1, sizeof buffer, stdin)) > 0;)
    text.append(buffer, got);
  if (std::ferror(stdin) != 0) return Error(Status::Io("stdin: the SQL could not be read"));
  return text;
}

// The SQL with a mark under what SQLite stumbled over.
Status WithPlace(const Status& status, const std::string& sql, std::optional<size_t> offset) {
  if (!offset || *offset > sql.size()) return status;
  const size_t line_start = *offset == 0 ? 0 : sql.rfind('\n', *offset - 1) + 1;
  const std::string line = sql.substr(line_start, sql.find('\n', line_start) - line_start);
  std::string excerpt = MarkedExcerpt(line, *offset - line_start, 100);
  excerpt.insert(excerpt.find('\n') + 1, "  ");
  return {status.code(), fmt::format("{}\n  {}", status.message(), excerpt), status.remedy()};
}

// The first column of the rows of `query`, which may have one parameter.
std::vector<std::string> Names(Connection& connection, std::string_view query,
                               std::string_view parameter = {}) {
  std::vector<std::string> names;
  auto statement = connection.Prepare(query);
  if (!statement) return names;
  if (statement->parameters() > 0) statement->BindText(1, parameter);
  for (auto row = statement->Step(); row && *row; row = statement->Step())
    names.emplace_back(statement->Text(0));
  return names;
}

std::vector<std::string> TablesAndViews(Connection& connection) {
  return Names(
      connection,
      "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE "
      "'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_sluice\\_%' ESCAPE '\\' ORDER BY name");
}

// The columns of the tables and views that the SQL names.
std::vector<std::string> Columns(Connection& connection, std::string_view sql) {
  return Names(connection,
               "SELECT DISTINCT c.name FROM sqlite_schema AS t, pragma_table_xinfo(t.name) AS c "
               "WHERE t.type IN ('table', 'view') AND instr(lower(?), lower(t.name)) > 0",
               sql);
}

std::string FirstOf(const std::vector<std::string>& names) {
  constexpr size_t kMost = 20;
  const std::span<const std::string> first = std::span(names).first(std::min(names.size(), kMost));
  return fmt::format("{}{}", fmt::join(first, ", "), first.size() < names.size() ? ", …" : "");
}

// "agent_msgs" of "no such table: main.agent_msgs", where `what` is the words before it.
std::optional<std::string> MissingName(const std::string& message, std::string_view what) {
  const size_t at = message.find(what);
  if (at == std::string::npos) return std::nullopt;
  const size_t begin = at + what.size();
  // SQLite's advice follows the name, or the place.
  const size_t end = std::min(message.find_first_of("\n(", begin), message.find(" - ", begin));
  std::string name = message.substr(begin, end - begin);
  while (!name.empty() && name.back() == ' ') name.pop_back();
  if (const size_t dot = name.rfind('.'); dot != std::string::npos) name.erase(0, dot + 1);
  return name;
}

// The error with the name that was probably meant, or with those there are.
Status WithNearestName(const Status& status, Connection& connection, std::string_view sql) {
  const auto missing_table = MissingName(status.message(), "no such table: ");
  const auto missing_column = MissingName(status.message(), "no such column: ");
  if (!missing_table && !missing_column) return status;
  const std::string& missing = missing_table ? *missing_table : *missing_column;
  const std::vector<std::string> names =
      missing_table ? TablesAndViews(connection) : Columns(connection, sql);
  const std::string nearest = NearestWord(missing, names);
  // The word itself is a column, but of a table that does not stand where it is used.
  if (!nearest.empty() && !SameName(nearest, missing))
    return {status.code(), status.message(), "did you mean " + nearest + "?"};
  if (!names.empty()) {
    const char* what = missing_table ? "its tables and views: " : "the columns there: ";
    return {status.code(), status.message(), what + FirstOf(names)};
  }
  if (!missing_table) return status;
  return {status.code(), status.message(), "the database has no tables yet"};
}

// A name in double quotes that the SQL does not have stands in a view of another program, and is a
// string there.
Result<Statement> Prepare(Connection& connection, const std::string& sql) {
  Result<Statement> statement = connection.Prepare(sql);
  if (statement) return statement;
  const auto missing = MissingName(statement.error().message(), "no such column: ");
  if (!missing || !missing->starts_with('"') || sql.find(*missing) != std::string::npos)
    return statement;
  connection.AllowStringsInDoubleQuotes();
  return connection.Prepare(sql);
}

Value ValueOf(const Statement& statement, int column) {
  switch (statement.TypeOf(column)) {
    case Statement::Type::kInteger:
      return statement.Integer(column);
    case Statement::Type::kReal:
      return statement.Real(column);
    case Statement::Type::kText:
      return statement.Text(column);
    case Statement::Type::kBlob:
      return Blob{statement.Blob(column)};
    case Statement::Type::kNull:
      break;
  }
  return std::monostate{};
}

std::vector<std::string> ColumnNames(const Statement& statement) {
  std::vector<std::string> names;
  for (int column = 0; column < statement.columns(); ++column)
    names.emplace_back(statement.ColumnName(column));
  return names;
}

// Prints the rows, at most `max_rows`; true when there were more.
Result<bool> PrintRows(Statement* statement, const std::optional<uint64_t>& max_rows,
                       RowPrinter* printer) {
  std::vector<Value> values;
  while (true) {
    const auto row = statement->Step();
    if (!row) return Error(row.error());
    if (!*row) return false;
    if (max_rows && printer->rows() == *max_rows) return true;
    values.clear();
    for (int column = 0; column < statement->columns(); ++column)
      values.push_back(ValueOf(*statement, column));
    if (Status s = printer->Row(values); !s.ok()) return Error(s);
  }
}

RowFormat FormatFor(const QueryRequest& request, const Terminal& terminal) {
  if (request.common->json) return RowFormat::kJson;
  if (request.format) return *request.format;
  return terminal.interactive ? RowFormat::kTable : RowFormat::kCsv;
}

// Whether a query asks for costs where nobody gave prices yet.
bool LacksPrices(const std::string& sql, Connection* connection) {
  if (sql.find("agent_cost") == std::string::npos) return false;
  const auto prices =
      connection->QueryInteger("SELECT count(*) FROM (SELECT 1 FROM agent_prices LIMIT 1)");
  return prices && prices->value_or(1) == 0;
}

// {"columns": [...], "rows": [...], "truncated": false}
std::string JsonHead(const std::vector<std::string>& columns) {
  JsonWriter out;
  out.BeginArray();
  for (const std::string& column : columns) out.String(column);
  out.EndArray();
  return "{\"columns\":" + out.text() + ",\"rows\":";
}

Result<ExitStatus> Query(const QueryRequest& request) {
  std::string sql = request.sql;
  if (sql == "-") {
    auto from_stdin = ReadStdin();
    if (!from_stdin) return Error(from_stdin.error());
    sql = std::move(*from_stdin);
  }
  auto connection = OpenExisting(request.database);
  if (!connection) return Error(connection.error());
  TimeLimit limit(*connection, request.time_limit, nullptr);
  auto statement = Prepare(*connection, sql);
  if (!statement) {
    const Status wrong = WithPlace(statement.error(), sql, connection->ErrorOffset());
    return Error(WithNearestName(wrong, *connection, sql));
  }
  const ParameterTypes types =
      request.text_parameters ? ParameterTypes::kText : ParameterTypes::kByForm;
  if (Status s = BindParameters(request.parameters, types, &*statement); !s.ok()) return Error(s);

  const Terminal terminal = Terminal::Of(stdout);
  const std::vector<std::string> columns = ColumnNames(*statement);
  // One object is whole or not there at all; everything else goes out as it comes.
  const bool at_once = request.common->json;
  std::string object = at_once ? JsonHead(columns) : "";
  RowPrinter printer(FormatFor(request, terminal), columns, terminal, [&](std::string_view bytes) {
    if (at_once) {
      object += bytes;
      return Status();
    }
    // A pager may take its time.
    const Stopwatch writing;
    Status written = WriteOut(bytes);
    limit.Extend(writing.elapsed());
    return written;
  });
  if (!request.format) printer.PreferLinesToAWideTable();
  const auto truncated = PrintRows(&*statement, request.max_rows, &printer);
  if (!truncated) return Error(limit.Explain(truncated.error()));
  if (Status s = connection->CheckUnchanged(); !s.ok()) return Error(s);
  if (Status s = printer.Finish(); !s.ok()) return Error(s);
  if (at_once) {
    object += fmt::format(",\"truncated\":{}}}\n", *truncated);
    if (Status s = WriteOut(object); !s.ok()) return Error(s);
  }
  if (!request.common->quiet && LacksPrices(sql, &*connection)) {
    Tell(stderr,
         "agent_cost: this database has no prices, so what a model costs is NULL: "
         "docs/agents.md says how to add them\n");
  }
  if (*truncated && !request.common->quiet) {
    Tell(stderr,
         fmt::format("{}; there are more: --max-rows\n", Counted(printer.rows(), "row", "rows")));
  }
  return ExitStatus::kDone;
}

}  // namespace

Command AddQuery(CLI::App* program) {
  CLI::App* app = program->add_subcommand(
      "query", "Ask a database in SQL; nothing can be changed by it. One statement");
  app->footer(kExamples);
  auto request = std::make_shared<QueryRequest>();
  Options options(app);
  options.Positional("DB", "Any SQLite database", &request->database);
  options.Positional("SQL", "One statement, or - to read it from stdin", &request->sql);
  options.Positionals("PARAM",
                      "Values for the parameters of the SQL: in order for ? and ?1, as :name=value "
                      "for :name, @name and $name. What is written as a number is bound as one; "
                      "digits after a leading zero, as in 02139, are text",
                      &request->parameters, false);
  options.Flag("--text-params", "Bind every PARAM as text, exactly as it is written",
               &request->text_parameters);
  options.Group("Limits and format");
  options.Choice("--format",
                 "How rows are written (default table on a terminal, or line if the table cannot "
                 "be made to fit it, and csv else). Blobs are written "
                 "as hexadecimal digits, "
                 "and as they are in raw; csv is RFC 4180 with lines that end in LF",
                 QueryFormats(), &request->format);
  options.Duration("--time-limit", "Give up after this long; 0 for never", &request->time_limit);
  options.Count("--max-rows", "Print at most N rows", &request->max_rows);
  AddCommonOptions(&options, request->common.get());
  return {app, request->common, [request] { return Query(*request); }};
}

}  // namespace sluice
