#!/usr/bin/env bash
# The demonstration behind `make demo`: draw the miniature, train FAN-T-Hybrid on it, test it, show pictures, judge it
# under corruption.
# A second run continues where the first stopped; after a change of the recipe it starts again.
#
# VENV   the environment that .ci/setup.sh made   (default: .venv)
# DEMO   where results go                         (default: work_dirs/demo)
set -euo pipefail
cd "$(dirname "$0")/.."

mmfan=${VENV:-.venv}/bin/mmfan
work=${DEMO:-work_dirs/demo}
data=data/mini_cityscapes
config=fan_segformer_mini
started=$SECONDS
say() { printf '[demo %4d s] %s\n' "$((SECONDS - started))" "$*"; }

# Runs a tool, keeps its whole output in a log and shows the lines that a sed script picks.
show() {
  local log=$1 lines=$2 status=0
  shift 2
  "$@" 2>&1 | tee "$log" | sed -un "$lines" || status=$?
  if [ "$status" -ne 0 ]; then
    tail -n 20 "$log" >&2
    say "failed; the whole output is in $log" >&2
    exit "$status"
  fi
}

say "1/5 the miniature: street scenes in Cityscapes' tree, in $data"
"$mmfan" mini cityscapes "$data"

# What the trained model depends on; a run with another recipe or other layers is not continued.
recipe=$(find mmfan/models -name '*.py' -print0 | sort -z | xargs -0 cat "$("$mmfan" configs --path "$config")" \
  configs/_base_/{default_runtime,models/fan_segformer,datasets/segmentation_common,datasets/mini_cityscapes_128x256}.py \
  "$data/miniature.json" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$work/recipe" 2>/dev/null || true)" != "$recipe" ]; then rm -rf "$work"; fi
mkdir -p "$work"
echo "$recipe" > "$work/recipe"

say "2/5 training $config; the whole log is in $work/train.log"
show "$work/train.log" 's/^.* - INFO - \(Iter(\|Resuming\|Saving\)/  \1/p' \
  "$mmfan" train "$config" --work-dir "$work" --resume
checkpoint=$work/$(basename "$(cat "$work/last_checkpoint")")

say "3/5 testing $checkpoint"
show "$work/test.log" 's/^.* - INFO - \(Iter(\)/  \1/p; s/^\([|+]\)/  \1/p' \
  "$mmfan" test "$config" "$checkpoint" --work-dir "$work"

say "4/5 pictures"
show "$work/pictures.log" '/^nothing is picked$/p' \
  "$mmfan" infer --compare "$config" "$checkpoint" --out "$work/pictures.png" --limit 5

say "5/5 judging it under corruption: 72 cells of corruption and severity, 20 pictures each"
show "$work/robustness.log" 's/^.* - INFO - \(\[\|where the time\)/  \1/p; s/^in [0-9]* loading/  &/p' \
  "$mmfan" judge "$config" "$checkpoint" --work-dir "$work" --results "$work/robustness.jsonl" \
  --name FAN-T-Hybrid --dataset-name mini_cityscapes --protocol kamann16 --limit 20 --pictures 2
show "$work/report.log" 's/^/  /p' \
  "$mmfan" report "$work/robustness.jsonl" --protocol kamann16 --format html --out "$work/report.html" --plots "$work/report"

say "done"
echo "  scores       $(sed -n 's/^.* - INFO - Iter(test) .*\(mIoU: [0-9.]*\).*/\1/p' "$work/test.log" | tail -n 1) (percent, 40 pictures that were not trained on)"
echo "  pictures     $work/pictures.png (input, truth, prediction)"
echo "  retention    $work/report.html, plots in $work/report/"
echo "  checkpoint   $checkpoint"
echo "  your own     $mmfan infer $config $checkpoint PICTURE"
