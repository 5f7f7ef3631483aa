#!/usr/bin/env bash
# Build the image and test it, with docker or podman, whichever is here: docs/howto/image.md.
#
#   tools/image.sh build    build epicat:worker
#   tools/image.sh test     run tests/image against it
#   tools/image.sh size     bytes unpacked and compressed
#
# In the environment: ENGINE (docker or podman), PLATFORM (linux/amd64, ...), BASE (an image to build on), CA_BUNDLE (certificates
# that pip trusts during the build), PYTHON (for the tests).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
    echo "$@" >&2
    exit 2
}

engine() {
    local candidate
    for candidate in ${ENGINE:-docker podman}; do
        if "$candidate" info >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    die "Neither docker nor podman answers here (looked for: ${ENGINE:-docker podman});" \
        "install one of them, or start docker's daemon."
}

build() {
    local command options=()
    command=$(engine)
    [[ -z ${PLATFORM:-} ]] || options+=(--platform "$PLATFORM")
    [[ -z ${BASE:-} ]] || options+=(--build-arg "BASE=$BASE")
    [[ -z ${CA_BUNDLE:-} ]] || options+=(--secret "id=ca,src=$CA_BUNDLE")
    "$command" build --target worker --tag epicat:worker "${options[@]}" \
        --build-arg "VERSION=$(version)" --build-arg "REVISION=$(revision)" .
}

version() {
    sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml
}

revision() {
    local commit
    commit=$(git rev-parse --verify --quiet HEAD 2>/dev/null) || { echo unknown; return; }
    git diff --quiet HEAD && echo "$commit" || echo "$commit-dirty"
}

run_tests() {
    ENGINE=$(engine) EPICAT_IMAGE=epicat "${PYTHON:-.venv/bin/python}" -m pytest tests/image "$@"
}

size() {
    local image=epicat:worker command
    command=$(engine)
    printf '%s: %d MB unpacked, ' "$image" \
        "$(($("$command" image inspect --format '{{.Size}}' "$image") / 1000000))"
    printf '%d MB compressed\n' "$(($("$command" save "$image" | gzip | wc -c) / 1000000))"
}

case ${1:-} in
build | size) "$@" ;;
test) run_tests "${@:2}" ;;
*) die "usage: tools/image.sh build|size, or tools/image.sh test [PYTEST ARGUMENT ...]" ;;
esac
