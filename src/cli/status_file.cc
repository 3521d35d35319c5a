// SPDX-License-Identifier: Apache-2.0
#include "cli/status_file.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/json_writer.h"

namespace sluice {

std::string LiveStatusJson(const std::string& database, const LiveStatus& status) {
  JsonWriter out;
  out.BeginObject();
  out.Key("database").String(database);
  out.Key("pid").Integer(getpid());
  out.Key("updated_at").String(UtcNow());
  out.Key("seconds").Real(status.seconds);
  out.Key("lines").Unsigned(status.counts.lines);
  out.Key("rows").Unsigned(status.counts.rows);
  out.Key("rejects").Unsigned(status.counts.rejects);
  out.Key("ignored").Unsigned(status.counts.ignored);
  out.Key("blank_lines").Unsigned(status.counts.blank);
  out.Key("rows_per_second").Real(status.rows_per_second);
  out.Key("commits").Unsigned(status.commits);
  out.Key("rss_bytes").Unsigned(status.rss_bytes);
  out.Key("rss_budget_bytes").Unsigned(status.rss_budget_bytes);
  out.Key("wal_bytes").Unsigned(status.wal_bytes);
  out.Key("gaps").Unsigned(status.gaps);
  out.Key("gap_bytes").Unsigned(status.gap_bytes);
  out.Key("possible_gaps").Unsigned(status.possible_gaps);
  out.Key("extra_keys").Unsigned(status.extra_keys);
  out.Key("lines_with_extra_keys").Unsigned(status.lines_with_extra_keys);
  out.Key("waits_for");
  status.waits_for.empty() ? out.Null() : out.String(status.waits_for);
  out.Key("files").Unsigned(status.files);
  out.Key("waiting_files").Unsigned(status.waiting_files);
  out.Key("open_files").Unsigned(status.open_files);
  out.Key("watched_directories").Unsigned(status.watched_directories);
  out.Key("polled_directories").Unsigned(status.polled_directories);
  out.Key("lag_bytes").Unsigned(status.lag_bytes);
  out.Key("lag_seconds").Real(status.lag_seconds);
  out.Key("sources").BeginArray();
  for (const LiveSource& source : status.sources) {
    out.BeginObject();
    out.Key("path").String(source.path);
    out.Key("table").String(source.table);
    out.Key("offset").Unsigned(source.offset);
    out.Key("lag_bytes").Unsigned(source.lag_bytes);
    out.Key("lag_seconds").Real(source.lag_seconds);
    out.Key("state").String(source.state);
    out.EndObject();
  }
  out.EndArray().EndObject();
  return out.Take() + "\n";
}

Status ReplaceStatusFile(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".new";
  Result<File> file = File::Open(temporary, File::Mode::kTruncate);
  if (!file) return file.error();
  if (Status s = file->Write(text); !s.ok()) return s;
  if (Status s = file->Close(); !s.ok()) return s;
  return Rename(temporary, path);
}

}  // namespace sluice
