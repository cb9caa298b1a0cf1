# Two images, for every machine that the reaper is built for:
#
#   docker buildx build --platform linux/amd64,linux/arm64 --target reaper .
#   docker buildx build --platform linux/amd64,linux/arm64 --target webhook .
#
# A base pinned by digest: --build-arg PYTHON_IMAGE=docker.io/library/python@sha256:…
# An index of your own:    --secret id=pip.conf,src=pip.conf (and --secret id=ca.pem,src=ca.pem,
#                          named in it as cert = /run/secrets/ca.pem)
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim-bookworm

# The reaper is cross-compiled, so this stage runs on the builder's own machine.
FROM --platform=$BUILDPLATFORM ${PYTHON_IMAGE} AS build
ENV PIP_CONFIG_FILE=/run/secrets/pip.conf PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
COPY requirements-build.lock .
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.pem \
    --mount=type=cache,target=/root/.cache/pip \
    python3 -m pip install --no-compile --require-hashes -r requirements-build.lock
COPY . .
ARG TARGETARCH
RUN --mount=type=cache,target=/root/.cache/zig \
    python3 -m initshim.build --target "${TARGETARCH}" --out /out
# Without its hook, which adds the builder's own reaper: the webhook's image gets the target's.
RUN HATCH_BUILD_NO_HOOKS=true python3 -m pip wheel --no-index --no-deps --no-build-isolation \
    --wheel-dir /out .

# Compiled dependencies are the target's, so this stage is emulated where that is another.
FROM ${PYTHON_IMAGE} AS venv
ENV PIP_CONFIG_FILE=/run/secrets/pip.conf PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python3 -m venv --without-pip /opt/venv
COPY requirements.lock .
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.pem \
    --mount=type=cache,target=/root/.cache/pip \
    python3 -m pip --python /opt/venv install --only-binary :all: --require-hashes \
    -r requirements.lock
COPY --from=build /out/initshim-*.whl /wheels/
RUN python3 -m pip --python /opt/venv install --no-index --no-deps /wheels/initshim-*.whl

# The reaper alone: one static file. As an image volume, its root is mounted at /.initshim.
FROM scratch AS reaper
ARG TARGETARCH
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="initshim reaper" \
      org.opencontainers.image.description="A PID 1 that reaps zombies and forwards signals" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build --chmod=0555 /out/initshim-linux-${TARGETARCH} /init
COPY --from=build --chmod=0555 /out/initshim-census-linux-${TARGETARCH} /census
USER 65532:65532
ENTRYPOINT ["/init"]

# The webhook. Its PID 1 is the reaper, as for everybody: credential helpers are children.
FROM ${PYTHON_IMAGE} AS webhook
ARG TARGETARCH
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="initshim webhook" \
      org.opencontainers.image.description="Gives every pod of an opted-in namespace a PID 1" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
COPY --from=build --chmod=0555 /out/initshim-linux-${TARGETARCH} /usr/local/bin/initshim-init
COPY --from=venv /opt/venv /opt/venv
# python's images have no bytecode of its own library, and whoever runs later may not write any:
# without it each start compiles what it imports, half of all its CPU time.
RUN /opt/venv/bin/python -c "import compileall, py_compile, sys, webhook.cli.run_webhook; \
    import webhook.assembly.resolver, webhook.assembly.rotation, webhook.kube.client; \
    found = {getattr(each, '__file__', None) or '' for each in sys.modules.values()}; \
    used = [f for f in found if f.startswith(sys.base_prefix) and f.endswith('.py')]; \
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH; \
    sys.exit(not all(compileall.compile_file(f, quiet=1, invalidation_mode=mode) for f in used))"
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["/usr/local/bin/initshim-init", "--", "/opt/venv/bin/initshim"]
CMD ["serve"]
