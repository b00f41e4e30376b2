#!/usr/bin/env bash
# The demonstration behind `make demo`: draw the miniature, train FAN-T-Hybrid on it, test it, show pictures, judge it
# under corruption. A short training and the 16 cells of one protocol by default, a few minutes; FULL=1 takes the config's
# whole training and the 72 cells of another.
# A second run continues where the first stopped; after a change of the recipe it starts again.
#
# VENV   the environment that .ci/setup.sh made   (default: .venv)
# FULL   1: the long form                         (default: 0)
# DEMO   where results go                         (default: work_dirs/demo, or work_dirs/demo_full)
set -euo pipefail
cd "$(dirname "$0")/.."

mmfan=${VENV:-.venv}/bin/mmfan
if [ "${FULL:-0}" = 1 ]; then
  work=${DEMO:-work_dirs/demo_full}
  protocol=kamann16
  shorter=()
else
  work=${DEMO:-work_dirs/demo}
  protocol=level5
  iterations=150
  shorter=(--cfg-options "train_cfg.max_iters=$iterations" "train_cfg.val_interval=$iterations"
    "param_scheduler.1.end=$iterations")
fi
data=data/mini_cityscapes
config=fan_segformer_mini
started=$SECONDS
say() { printf '[demo %4d s] %s\n' "$((SECONDS - started))" "$*"; }

say "1/5 the miniature: street scenes in Cityscapes' tree, in $data"
"$mmfan" mini cityscapes "$data"

# What the trained model depends on; a run with another recipe or other layers is not continued.
recipe=$({
  find mmfan/models -name '*.py' -print0 | sort -z | xargs -0 cat
  cat "$("$mmfan" configs --path "$config")" "$data/miniature.json" \
    configs/_base_/{default_runtime,models/fan_segformer,datasets/segmentation_common,datasets/mini_cityscapes_128x256}.py
  printf '%s\n' ${shorter[@]+"${shorter[@]}"}
} | sha256sum | cut -d' ' -f1)
if [ "$(cat "$work/recipe" 2>/dev/null || true)" != "$recipe" ]; then rm -rf "$work"; fi
mkdir -p "$work"
echo "$recipe" > "$work/recipe"

say "2/5 training $config"
"$mmfan" train "$config" --work-dir "$work" --resume ${shorter[@]+"${shorter[@]}"}
checkpoint=$work/$(basename "$(cat "$work/last_checkpoint")")

say "3/5 testing $checkpoint on the 40 pictures that were not trained on"
"$mmfan" test "$config" "$checkpoint" --work-dir "$work"

say "4/5 pictures"
"$mmfan" infer --compare "$config" "$checkpoint" --out "$work/pictures.png" --limit 5

say "5/5 judging it under corruption: the cells of $protocol, 20 pictures each"
"$mmfan" judge "$config" "$checkpoint" --work-dir "$work" --results "$work/robustness.jsonl" \
  --name FAN-T-Hybrid --dataset-name mini_cityscapes --protocol "$protocol" --limit 20 --pictures 2
"$mmfan" report "$work/robustness.jsonl" --format html --out "$work/report.html" --plots "$work/report"

say "done"
echo "  pictures     $work/pictures.png (input, truth, prediction)"
echo "  retention    $work/report.html, plots in $work/report/"
echo "  checkpoint   $checkpoint"
echo "  your own     source ${VENV:-.venv}/bin/activate; mmfan infer $config $checkpoint PICTURE"
