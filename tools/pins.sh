#!/usr/bin/env bash
# Renew the lists of exact packages, with the hashes of their files for every platform, that the
# Dockerfile installs: docker/*.txt.  The versions are those of constraints.txt.  `make pins` runs it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What a worker needs beside epicat's own dependencies: extras of pyproject.toml.
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
