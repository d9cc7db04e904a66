# SPDX-License-Identifier: Apache-2.0
"""What torch_peer.py and `sextant bench --json` measured, beside each other: table.py RESULTS.jsonl

Milliseconds are medians with a wait after each run, of a network's repeated measurements the least; the ratio is the peer's fastest
mode through ours: above 1 ours is the faster.
"""
import json
import sys

ours, peers, errors = {}, {}, []
for line in open(sys.argv[1]):
    if not line.startswith("{"):
        continue
    r = json.loads(line)
    key = r["run"], r["model"], r["batch"], r["precision"]
    if "error" in r:
        errors.append(f"{r['model']} batch {r['batch']} {r['precision']} {r['mode']}: {r['error'][:120]}")
    elif "peer" in r:
        best = peers.setdefault(key, {})
        mode = r["mode"]
        best[mode] = min(best.get(mode, (9e9, 9e9)), (r["ms_median"], r["ms_stream"]))
    elif key not in ours or r["ms_median"] < ours[key]["ms_median"]:
        ours[key] = r

modes = [m for m in ("eager", "graph", "compile", "frozen") if any(m in p for p in peers.values())]
print("%-9s %-12s %5s %-5s %10s %10s %8s " % ("RUN", "MODEL", "BATCH", "", "IMAGES/S", "MS", "TFLOP/S")
      + " ".join("%9s" % m.upper() for m in modes) + "   RATIO")
for key in sorted({*ours, *peers}, key=lambda k: (k[0], k[3], k[1], k[2])):
    run, model, batch, precision = key
    o, p = ours.get(key), peers.get(key, {})
    cells = [("%9.3f" % p[m][0] if m in p else " " * 9) for m in modes]
    head = "%-9s %-12s %5d %-5s " % (run.split()[0], model, batch, precision)
    if o:
        head += "%10.0f %10.4f %8.1f " % (o["images_per_second"], o["ms_median"], o["gflop_per_second"] / 1e3)
    else:
        head += " " * 31
    ratio = "%8.2f" % (min(v[0] for v in p.values()) / o["ms_median"]) if o and p else ""
    print(head + " ".join(cells) + ratio)
for error in errors:
    print("failed: " + error)
