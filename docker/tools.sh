#!/bin/sh
# The steps of the Dockerfile's builder stages, run in /build.
set -eu

# pip of the tools.  The build secret `ca`, where one is given, is what it trusts: it serves networks
# with certificates of their own and stays out of the image.
pip() {
    if [ -s /run/secrets/ca ]; then
        export PIP_CERT=/run/secrets/ca
    fi
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore tools/bin/pip "$@"
}

# Install what PyOcto is built with, where there is no wheel of it; g++ has no pin of its own, it
# comes from the base's Debian.
compiler() {
    [ "$(uname -m)" != x86_64 ] || return 0
    headers=$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')
    set -- g++
    [ -f "$headers/Python.h" ] || set -- "$@" python3-dev
    apt-get update
    apt-get install --yes --no-install-recommends "$@"
    rm -rf /var/lib/apt/lists/*
}

# Install wheels into the image's environment, or with --prefix into a folder to be copied over it.
# --no-deps: the lists are complete, and leave openvino-telemetry out on purpose.
install() {
    pip --python /opt/epicat/bin/python install --no-deps --only-binary :all: "$@"
}

# Install a list of packages with hashes, building those that have no wheel.
wheels() {
    pip wheel --no-deps --require-hashes --no-build-isolation --wheel-dir wheels -r "$1"
    install --no-index wheels/*.whl
    rm -r wheels
}

"$@"
