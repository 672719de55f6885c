# From a run's events to bytes and seconds of the steps that carry bytes. `transfer` is from a step's start to its last
# piece on its way, `after` what follows: the far end's last window, hashing, putting in place. Only unpacking the images
# is work that no copy has, so it alone is left out of `staged`. Of several nodes the first that begins and the last that
# ends; a later step of the same name is another one.
def stamp: .time[0:19] + "Z" | fromdateiso8601;
def at: stamp + (.time[19:23] | tonumber);
[group_by(.step)[]
  | select(any(.event == "step-progress"))
  | {step: .[0].step, from: (map(select(.event == "step-started")) | first | at),
     sent: (map(select(.event == "step-progress")) | last | at), bytes: (map(select(.event == "step-progress")) | last | .total),
     done: ([group_by(.node)[] | map(select(.event == "step-finished")) | first | if . then at else null end] | max)}
  | select(.done)
  | {step, bytes, transfer: (.sent - .from), after: (.done - .sent)}]
| def tenths: . * 10 | round / 10;
  (map(.transfer) | add) as $transfer | (map(.after) | add) as $after | (map(select(.step == "images").after) | add) as $unpacking
| {bytes: (map(.bytes) | add), transfer: $transfer, staged: ($transfer + $after - $unpacking), unpacked: ($transfer + $after),
   steps: map(.transfer |= tenths | .after |= tenths)}
