def pad($n): tostring | . + (" " * ([$n - length, 0] | max));
def left($n): tostring | (" " * ([$n - length, 0] | max)) + .;
def sec: if . == null then "-" elif . < 0.1 then "\(. * 10000 | round / 10) ms" elif . < 100 then "\(. * 100 | round / 100) s" else "\(round) s" end;
def verdict: if (.budget | map(values) | length) == 0 then "" elif .within then "ok" else "OVER" end;
def budget_of: [(.ratio | if . then "\(.) x" else empty end), (.seconds | if . then sec else empty end)] | join(", ");
def budget: .budget | budget_of;
def mb: . / 100000 | round / 10 | "\(.) MB";
("work" | pad(16)) + ("ours" | left(9)) + ("floor" | left(10)) + ("ratio" | left(7)) + ("budget" | left(15)) + ("" | left(6)) + "  runs  load",
(.rows[] | select(.work != "binary" and .unmeasured == null)
  | (.work | pad(16)) + (.ours.median | sec | left(9)) + (.floor.median | sec | left(10)) + ((.ratio | if . then . * 100 | round / 100 else "-" end) | left(7))
    + (budget | left(15)) + (verdict | left(6)) + (.ours.runs | length | left(6)) + (.load | left(6))),
(.rows[] | select(.unmeasured) | (.work | pad(35)) + ((.budget | budget_of) | left(22)) + "  not measured: \(.unmeasured)"),
(.rows[] | select(.work == "binary") | ("binary" | pad(16)) + (.bytes | mb | left(9)) + (.budget.bytes | mb | left(32)) + (verdict | left(6))),
"",
(.rows[] | select(.work == "stage") | .more
  | "stage, \(.bytes | mb): last piece sent \(.transfer | sec), in place \(.staged | sec), unpacked \(.unpacked | sec)"),
(.rows[] | select(.work == "install") | .more
  | "install, ours:    \(.our_steps | sort_by(-.seconds)[0:3] | map("\(.step) \(.seconds | round)") | join(", "))",
    "install, by hand: \(.by_hand | map("\(.act) \(.seconds | round)") | join(", "))"),
(.peers as $peers | .rows[] | select(.work == "pack") | . as $pack
  | "pack, s per 100 MB: sealift \($pack.ours.median / $pack.more.bytes * 1e10 | round / 100) of \($pack.more.bytes | mb);",
    "  once, on a quiet machine (peers.json): "
      + ($peers.pack_cold_seconds | to_entries | map("\(.key | split(" ")[0]) \(.value / $peers.bytes * 1e10 | round / 100)") | join(", "))),
(.rows[] | select(.work == "pack") | (.floor.median + (.more.sync_after_curl | sort | .[length / 2 | floor])) as $synced
  | "pack writes through to the disk; its floor with sync -f: \($synced | sec), ratio \(.ours.median / $synced * 100 | round / 100)"),
(.conditions | "\(.cores) cores, \(.cpu), kernel \(.kernel), load \(.load_at_start) -> \(.load_at_end)",
  "\(.sealift) at \(.commit), \(.openssl | .[0:14]), \(.curl), \(.ssh | .[0:12])")
