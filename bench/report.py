# SPDX-License-Identifier: Apache-2.0
"""A benchmark's report as text for a terminal, and as one HTML page that needs nothing else."""

import html

PHASES = [("insert_seconds", "insert", "#2f6f8f"), ("index_seconds", "indexes", "#8fb8c9"),
          ("sync_seconds", "sync", "#d0d7da")]
UNSPLIT = "#2f6f8f"
MIB = 1 << 20


def median(result, field):
    return result[field]["median"] if result.get(field) else None


def rate(result):
    return result["rows"] / median(result, "insert_seconds" if result.get("insert_seconds") else "seconds")


def ratio(suite, result):
    """How much longer the reference took in the same phase; None where there is nothing to compare."""
    reference = next((each for each in suite["results"] if each["peer"] == "reference"), None)
    if reference is None or result is reference:
        return None
    field = "insert_seconds" if result.get("insert_seconds") and reference.get("insert_seconds") else "seconds"
    return median(reference, field) / median(result, field)


def to_text(report):
    lines = []
    for suite in report["suites"]:
        lines += ["", suite["title"]]
        lines.append(f"  {'':14}{'insert':>9}{'indexes':>9}{'all':>9}{'spread':>16}{'cpu':>8}{'rows/s':>12}{'RSS':>9}")
        for result in suite["results"]:
            parts = [median(result, "insert_seconds"), median(result, "index_seconds"), median(result, "seconds")]
            shown = "".join(f"{value:8.2f}s" if value is not None else f"{'–':>9}" for value in parts)
            seconds = result["seconds"]
            width = f"{seconds['min']:.2f}–{seconds['max']:.2f}s"
            times = ratio(suite, result)
            against = f"   insert phase {times:.2f}x the reference's speed" if times and result.get("insert_seconds") else ""
            lines.append(f"  {result['peer']:14}{shown}{width:>16}{median(result, 'cpu_seconds'):7.2f}s"
                         f"{rate(result):12,.0f}{median(result, 'peak_rss_bytes') / MIB:6.0f}MiB{against}")
    for warning in report["warnings"]:
        lines.append(f"warning: {warning}")
    for skipped in report["skipped"]:
        lines.append(f"skipped: {skipped['peer']}: {skipped['why']}")
    return "\n".join(lines)


def bar(result, longest):
    """One row of a chart: a bar of the phases' medians, the spread of the whole as a line over it."""
    scale = 560 / longest
    parts, at = [], 0.0
    phases = [(median(result, field), label, colour) for field, label, colour in PHASES if result.get(field)]
    if not phases:
        phases = [(median(result, "seconds"), "all", UNSPLIT)]
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
    rows = []
    for result in suite["results"]:
        cells = [html.escape(result["peer"])]
        for field in ("insert_seconds", "index_seconds", "seconds", "cpu_seconds"):
            value = median(result, field)
            cells.append(f"{value:.2f} s" if value is not None else "–")
        cells += [f"{result['seconds']['min']:.2f}–{result['seconds']['max']:.2f} s", f"{rate(result):,.0f}",
                  f"{median(result, 'peak_rss_bytes') / MIB:.0f} MiB"]
        times = ratio(suite, result)
        cells.append(f"{times:.2f}×" if times else "–")
        rows.append("<tr><td>" + "</td><td>".join(cells) + f'</td><td class="note">{html.escape(result["note"])}</td></tr>')
    checked = f'<p class="note">Compared before timing: {suite["checked"]}.</p>' if "checked" in suite else ""
    return (f'<h2>{html.escape(suite["title"])}</h2>{bars}<table><tr><th></th><th>insert</th><th>indexes</th><th>all</th>'
            f"<th>CPU</th><th>spread</th><th>rows/s</th><th>peak RSS</th><th>against the reference</th><th></th></tr>"
            f'{"".join(rows)}</table>{checked}')


def to_html(report):
    machine = report["machine"]
    facts = [
        ("command", report["command"]), ("at", report["at"]), ("CPU", f"{machine['cpu']} × {machine['cpus']}"),
        ("memory", f"{machine['memory_bytes'] / (1 << 30):.1f} GiB"), ("kernel", machine["kernel"]),
        ("file system", f"{machine['file_system']} ({machine['mount_options']})"),
        ("load", f"{machine['load_before']:.2f} before, {machine['load_after']:.2f} after"),
        ("data", f"{report['data']['lines']:,} lines, {report['data']['bytes']:,} bytes; appended"
                 f" {report['data']['append_lines']:,} lines, {report['data']['append_bytes']:,} bytes"),
        ("SQLite", machine["sqlite"]["version"] + ": " + " ".join(machine["sqlite"]["options"])),
    ]
    for suite in report["suites"]:
        for result in suite["results"]:
            if "pragmas" in result:
                values = ", ".join(f"{name}={value}" for name, value in result["pragmas"].items())
                facts.append((f"PRAGMAs read back, {suite['suite']}, {result['peer']}", values))
    remarks = report["warnings"] + [f"{each['peer']} was skipped: {each['why']}" for each in report["skipped"]]
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>sluice beside its peers</title>
<meta name="viewport" content="width=device-width">
<style>
 body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }}
 svg {{ display: block; width: 100%; font: 13px system-ui, sans-serif }} h2 {{ margin: 2rem 0 .5rem; font-size: 1.15rem }}
 table {{ border-collapse: collapse; font-size: .85rem; margin-top: .5rem }} td, th {{ padding: .25rem .6rem; text-align: right;
 border-bottom: 1px solid #ddd; vertical-align: top }} td:first-child, td.note, dd, dt {{ text-align: left }}
 .note {{ color: #666; font-size: .8rem }} .warning {{ background: #fff4d6; padding: .4rem .8rem }}
 dt {{ font-weight: 600; margin-top: .4rem }} dd {{ margin: 0; overflow-wrap: anywhere; font-size: .85rem }}
</style>
<h1>sluice beside its peers</h1>
<p>Medians; the line under a bar is the spread from the fastest to the slowest run. Dark: inserts; light: indexes; grey: sync.</p>
{"".join(f'<p class="warning">{html.escape(remark)}</p>' for remark in remarks)}
{"".join(suite_html(suite) for suite in report["suites"])}
<h2>Measured on</h2><dl>{"".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(str(value))}</dd>" for name, value in facts)}</dl>
</html>
"""
