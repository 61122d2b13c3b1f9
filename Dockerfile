# syntax=docker/dockerfile:1
# A worker for CPUs: `docker build -t pageline .`, then `docker run pageline worker --device cpu`.
# Weights are baked in, so that a container starts without the network: --build-arg MODELS="NAME NAME".
# Behind a package mirror: --secret id=pip,src=pip.conf
ARG BASE=docker.io/library/python:3.12-slim-bookworm

FROM ${BASE} AS build
ARG MODELS="PP-OCRv6_small_det PP-OCRv6_small_rec"
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
RUN python3 -m venv /opt/pageline
COPY requirements/runtime.txt /src/requirements/runtime.txt
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/pageline/bin/pip install --quiet --require-hashes -r /src/requirements/runtime.txt
COPY pyproject.toml README.md /src/
COPY pipelines /src/pipelines
COPY infra /src/infra
COPY tasks /src/tasks
COPY worker /src/worker
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/pageline/bin/pip install --quiet --no-deps /src \
    && XDG_CACHE_HOME=/opt/weights /opt/pageline/bin/pageline models pull ${MODELS}

FROM ${BASE}
RUN useradd --uid 10001 --create-home --home-dir /var/lib/pageline pageline
COPY --from=build /opt/pageline /opt/pageline
COPY --from=build /opt/weights /opt/weights
# A worker finds its weights and writes nothing beside them; scratch space is /tmp and the home folder.
ENV PATH=/opt/pageline/bin:$PATH XDG_CACHE_HOME=/opt/weights PYTHONUNBUFFERED=1
WORKDIR /var/lib/pageline
USER 10001
ENTRYPOINT ["pageline"]
CMD ["worker", "--device", "cpu"]
