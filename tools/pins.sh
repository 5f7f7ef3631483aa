#!/usr/bin/env bash
# Update the package lists that the Dockerfile installs, docker/*.txt: exact versions with hashes for
# all platforms.  The versions are those of constraints.txt.  `make pins` runs it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Extras of pyproject.toml that a worker needs in addition to the base dependencies.
WORKER_EXTRAS=(mongo)

compile() { # OUTPUT INPUT [OPTION...]
    local output=$1
    rm -f "$output"
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
        --constraint constraints.txt --custom-compile-command 'make pins' \
        "${@:3}" --output-file "$output" "$2"
}

# openvino-telemetry reports every import of OpenVINO; OpenVINO works without the package.
compile docker/worker.txt pyproject.toml "${WORKER_EXTRAS[@]/#/--extra=}" \
    --no-emit-package openvino-telemetry
compile docker/tools.txt docker/tools.in

wc -l docker/*.txt
