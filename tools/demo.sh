#!/usr/bin/env bash
# The main job on real data: ten minutes of twelve stations in the dyke intrusion of August
# 2014 near Holuhraun, Iceland.  Everything that it makes is in demo/; the catalog is made
# afresh each time.  Needs the folder of real data beside the project (see CONTRIBUTING.md).
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
DATA=${EPICAT_REALDATA:-../shared/data}
if [[ -n ${EPICAT_REALDATA:-} && $DATA != /* ]]; then
    DATA=$PWD/$DATA
fi
cd "$project"

missing=()
for item in weights/models/v3/phasenet holuhraun/waveforms holuhraun/stations.csv \
    holuhraun/velocity_model.txt; do
    [[ -e $DATA/$item ]] || missing+=("$item")
done
if ((${#missing[@]})); then
    {
        echo "The demo needs the folder of real data, and this is missing from it:"
        printf '    %s\n' "${missing[@]}"
        echo "Looked in $(realpath -m -s "$DATA")"
        if [[ -n ${EPICAT_REALDATA:-} ]]; then
            echo "(named by the environment variable EPICAT_REALDATA)."
        else
            echo "(set the environment variable EPICAT_REALDATA if the folder is elsewhere)."
        fi
    } >&2
    exit 2
fi

PATH=$project/.venv/bin:$PATH
if ! command -v epicat >/dev/null; then
    echo "The command epicat is not installed: run 'make demo', which sets it up." >&2
    exit 2
fi

# Show a command as one could type it, then run it.
run() {
    local word line=
    for word in "$@"; do
        [[ $word =~ ^[A-Za-z0-9_./,:=@%+-]+$ ]] || word=${word@Q}
        line+=" $word"
    done
    printf '\n$%s\n' "$line"
    "$@"
}

# SeisBench writes into its cache, so it gets a copy of the weights.
run rm -rf demo/store demo/seisbench
run mkdir -p demo
run cp -R "$DATA/weights" demo/seisbench
run chmod -R u+w demo/seisbench
run export SEISBENCH_CACHE_ROOT=demo/seisbench
run export EPICAT_CACHE=demo/cache

run epicat run 2014-08-24 2014-08-25 64.4,65.3,-17.6,-15.9 \
    --archive "$DATA/holuhraun/waveforms" --layout files \
    --stations "$DATA/holuhraun/stations.csv" \
    --velocity "$DATA/holuhraun/velocity_model.txt" \
    --model PhaseNet --weight original --store demo/store
run epicat status --store demo/store
run epicat export --store demo/store --table events --format csv -o demo/events.csv
run epicat plot --store demo/store -o demo/events.png
run head -n 6 demo/events.csv

events=$(($(wc -l <demo/events.csv) - 1))
printf '\n%s events: the table is demo/events.csv, the picture is demo/events.png.\n' "$events"
