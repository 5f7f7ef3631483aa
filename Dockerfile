# epicat's image: the command `epicat` and what a worker needs, for x86-64 and arm64.  docs/howto/image.md
# tells how it is built, run and checked, and what fills it.
#
# It has no PyTorch: epicat builds the networks of PhaseNet and EQTransformer by itself.
#
# BASE is any Debian with Python 3.11, its venv and the CA certificates.  It is named by its tag and
# not by a digest, so that a new build has Debian's security fixes; everything above it is pinned.
ARG BASE=python:3.11-slim-bookworm


# What builds and is not shipped.  PyOcto has no wheel for arm64, so a compiler is needed there.
FROM ${BASE} AS tools
WORKDIR /build
COPY docker/tools.sh docker/tools.txt docker/
# hadolint ignore=DL3008
RUN docker/tools.sh compiler
RUN --mount=type=secret,id=ca --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv tools && docker/tools.sh pip install --no-deps --require-hashes -r docker/tools.txt


# The packages of a worker, in an environment without pip.
FROM tools AS dependencies
COPY docker/worker.txt docker/
RUN --mount=type=secret,id=ca --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv --without-pip /opt/epicat && docker/tools.sh wheels docker/worker.txt


FROM dependencies AS slim
COPY docker/slim.sh docker/
RUN docker/slim.sh /opt/epicat


# epicat itself, last and apart, so that a change of its source renews one small layer.
FROM dependencies AS package
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN docker/tools.sh pip wheel --no-index --no-deps --no-build-isolation --wheel-dir dist . \
 && docker/tools.sh install --prefix /package dist/*.whl


FROM ${BASE} AS runtime
LABEL org.opencontainers.image.title="epicat" \
      org.opencontainers.image.description="From continuous seismic waveforms to an earthquake catalog." \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 epicat \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin epicat \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
ENV PATH=/opt/epicat/bin:${PATH} \
    EPICAT_CACHE=/tmp/epicat \
    PYTHONUNBUFFERED=1
# The one place to write.  Amazon ECS gives a volume the owner and mode of the path named here; without
# this line it belongs to root, and a task with a read-only root could write nowhere.
VOLUME ["/tmp"]
WORKDIR /data
USER 10001:10001
# Jobs end by themselves: their exit code is their health.
HEALTHCHECK NONE
ENTRYPOINT ["/opt/epicat/bin/epicat"]
CMD ["--help"]


FROM runtime AS worker
COPY --from=slim /opt/epicat /opt/epicat
COPY --from=package /package /opt/epicat
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
