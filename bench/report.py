# SPDX-License-Identifier: Apache-2.0
"""A benchmark's report as text for a terminal, and as one HTML page that needs nothing else."""

import html

PHASES = [("insert_seconds", "rows", "#2f6f8f"), ("index_seconds", "after the rows", "#8fb8c9"),
          ("sync_seconds", "sync", "#d0d7da")]
UNSPLIT = "#2f6f8f"
DISK = "#b9a27a"
MIB = 1 << 20


def median(result, field):
    return result[field]["median"] if result.get(field) else None


def is_disk(result):
    return result["peer"].startswith("disk")


def shown(value, form):
    return form.format(value) if value is not None else "–"


def with_spread(result, field, form):
    """`15.2 (14.9–15.6)`, or a dash."""
    values = result.get(field)
    if not values:
        return "–"
    low, high = form.format(values["min"]), form.format(values["max"])
    return form.format(values["median"]) + (f" ({low}–{high})" if low != high else "")


def cells(suite, result):
    """(heading, text) of a result's row, the same headings for each result of a suite."""
    rate = None if is_disk(result) else result["rows"] / median(result, "seconds")
    rss = None if is_disk(result) else median(result, "peak_rss_bytes") / MIB
    row = [("rows in", shown(median(result, "insert_seconds"), "{:.2f} s")),
           ("then", shown(median(result, "index_seconds"), "{:.2f} s")),
           ("all", with_spread(result, "seconds", "{:.2f}") + " s"),
           ("CPU", shown(median(result, "cpu_seconds"), "{:.2f} s")),
           ("cores busy", shown(median(result, "cores_busy"), "{:.2f}")),
           (f"{suite.get('unit', 'lines')}/s", shown(rate, "{:,.0f}")),
           ("peak RSS", shown(rss, "{:.0f} MiB"))]
    if suite["baseline"]:
        row += [(f"{suite['baseline']}'s time over this", with_spread(result, "wall_ratio", "{:.1f}")),
                ("CPU likewise", with_spread(result, "cpu_ratio", "{:.1f}"))]
    if any(each.get("rate_ratio") for each in suite["results"]):
        row.append((f"{suite.get('unit', 'lines')}/s over the first's", with_spread(result, "rate_ratio", "{:.2f}")))
    if any(each.get("disk_share") for each in suite["results"]):
        row.append(("disk's time over this", with_spread(result, "disk_share", "{:.2f}")))
    return row


def to_text(report):
    lines = []
    for suite in report["suites"]:
        table = [[""] + [heading for heading, _ in cells(suite, suite["results"][0])]]
        table += [[result["peer"]] + [text for _, text in cells(suite, result)] for result in suite["results"]]
        widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
        lines += ["", suite["title"]]
        for row in table:
            rest = "  ".join(text.rjust(width) for text, width in zip(row[1:], widths[1:]))
            lines.append(f"  {row[0].ljust(widths[0])}  {rest}")
    for warning in report["warnings"]:
        lines.append(f"warning: {warning}")
    for skipped in report["skipped"]:
        lines.append(f"skipped: {skipped['what']}: {skipped['why']}")
    return "\n".join(lines)


def bar(result, longest):
    """One row of a chart: a bar of the phases' medians, the spread of the whole as a line under it."""
    scale = 540 / longest
    parts, at = [], 0.0
    phases = [(median(result, field), label, colour) for field, label, colour in PHASES if result.get(field)]
    if not phases:
        phases = [(median(result, "seconds"), "all", DISK if is_disk(result) else UNSPLIT)]
    for seconds, label, colour in phases:
        parts.append(f'<rect x="{150 + at * scale:.1f}" y="6" width="{max(seconds * scale, 0.5):.1f}" height="18"'
                     f' fill="{colour}"><title>{label}: {seconds:.3f} s</title></rect>')
        at += seconds
    low, high = result["seconds"]["min"], result["seconds"]["max"]
    parts.append(f'<path d="M{150 + low * scale:.1f} 28H{150 + high * scale:.1f}M{150 + low * scale:.1f} 25v6'
                 f'M{150 + high * scale:.1f} 25v6" stroke="#444"/>')
    end = 150 + max(at, high) * scale
    text = f"{median(result, 'seconds'):.2f} s"
    return (f'<svg viewBox="0 0 800 34" role="img" aria-label="{html.escape(result["peer"])} {text}">'
            f'<text x="142" y="20" text-anchor="end">{html.escape(result["peer"])}</text>{"".join(parts)}'
            f'<text x="{end + 8:.1f}" y="20">{text}</text></svg>')


def suite_html(suite):
    longest = max(max(result["seconds"]["max"], sum(median(result, field) or 0 for field, _, _ in PHASES))
                  for result in suite["results"])
    bars = "".join(bar(result, longest) for result in suite["results"])
    headings = [heading for heading, _ in cells(suite, suite["results"][0])]
    rows = []
    for result in suite["results"]:
        row = [html.escape(result["peer"])] + [text for _, text in cells(suite, result)]
        rows.append("<tr><td>" + "</td><td>".join(row) + "</td></tr>")
    notes = "".join(f"<li>{html.escape(peer)}: {html.escape(note)}</li>" for peer, note in
                    {result["peer"].split(",")[0]: result["note"] for result in suite["results"]}.items())
    return (f'<h2>{html.escape(suite["title"])}</h2>{bars}<div class="wide"><table><tr><th></th><th>'
            f'{"</th><th>".join(html.escape(heading) for heading in headings)}</th></tr>{"".join(rows)}</table></div>'
            f'<ul class="note">{notes}<li>Compared: {html.escape(suite["checked"])}.</li></ul>')


def facts_of(report):
    machine = report["machine"]
    facts = [
        ("command", report["command"]), ("at", report["at"]), ("rounds", report["rounds"]),
        ("sluice's --memory, new databases", f"{report['memory_mib']} MiB"),
        ("CPU", f"{machine['cpu']} × {machine['cpus']}"), ("memory", f"{machine['memory_bytes'] / (1 << 30):.1f} GiB"),
        ("kernel", machine["kernel"]), ("file system", f"{machine['file_system']} ({machine['mount_options']})"),
        ("load", f"{machine['load_before']:.2f} before, {machine['load_after']:.2f} after"),
        ("SQLite", machine["sqlite"]["version"] + ": " + " ".join(machine["sqlite"]["options"])),
    ]
    for suite in report["suites"]:
        if suite["input_bytes"]:
            facts.append((f"input, {suite['suite']}", f"{suite['input_bytes']:,} bytes"))
        for result in suite["results"]:
            name = f"{suite['suite']}, {result['peer']}"
            if "path" in result:
                facts.append((f"rows written as, {name}", result["path"]))
            if result.get("database_bytes"):
                facts.append((f"database, {name}", f"{median(result, 'database_bytes'):,.0f} bytes"))
            if "pragmas" in result:
                values = ", ".join(f"{key}={value}" for key, value in result["pragmas"].items())
                facts.append((f"PRAGMAs read back, {name}", values))
    return facts


def to_html(report):
    remarks = report["warnings"] + [f"{each['what']}: skipped: {each['why']}" for each in report["skipped"]]
    facts = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(str(value))}</dd>" for name, value in facts_of(report))
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>sluice beside its peers</title>
<meta name="viewport" content="width=device-width">
<style>
 body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }}
 svg {{ display: block; width: 100%; font: 13px system-ui, sans-serif }} h2 {{ margin: 2rem 0 .5rem; font-size: 1.15rem }}
 .wide {{ overflow-x: auto }} table {{ border-collapse: collapse; font-size: .8rem; margin-top: .5rem }}
 td, th {{ padding: .25rem .5rem; text-align: right; border-bottom: 1px solid #ddd; vertical-align: bottom }}
 td {{ white-space: nowrap }} td:first-child {{ text-align: left }} .note {{ color: #666; font-size: .8rem }}
 .warning {{ background: #fff4d6; padding: .4rem .8rem }} dt {{ font-weight: 600; margin-top: .4rem }}
 dd {{ margin: 0; overflow-wrap: anywhere; font-size: .85rem }}
</style>
<h1>sluice beside its peers</h1>
<p>Medians; the line under a bar, and the brackets, are the spread from the least to the greatest. Dark: the rows; light:
what comes after them (indexes, check, publishing); grey: sync; brown: the disk alone. Ratios are of two runs of a round.</p>
{"".join(f'<p class="warning">{html.escape(remark)}</p>' for remark in remarks)}
{"".join(suite_html(suite) for suite in report["suites"])}
<h2>Measured on</h2><dl>{facts}</dl>
</html>
"""
