# One image for web, worker, beat and migrations; docker-compose.yml says which is which.
# The tag moves with Python's fixes, the Debian release does not. To hold it still, give a digest: docs/operations.md.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
COPY requirements/run.txt /build/run.txt
# Wheels alone: there is no compiler here, and nothing is run that came as source.
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --only-binary :all: --require-hashes --requirement /build/run.txt

FROM ${PYTHON_IMAGE}
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 RECON_MODE=services RECON_DATA_DIR=/data
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin recon \
 && install --directory --owner recon --group recon --mode 0700 /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY manage.py ./
COPY config config
COPY accounts accounts
COPY ingest ingest
COPY recon recon
COPY templates templates
COPY static static
# Collecting needs settings that start, and none of these values outlives the command. The code is compiled here, for nothing can be written
# beside it later; and a checkout whose files are its owner's alone is made readable to the user below.
RUN SECRET_KEY=for-this-step-alone RECON_SECRETS_KEY=for-this-step-alone DATABASE_URL=postgres://none/none REDIS_URL=redis://none \
    ALLOWED_HOSTS=none CSRF_TRUSTED_ORIGINS=https://none EMAIL_URL=dummymail:// DEFAULT_FROM_EMAIL=none@example.test python manage.py collectstatic --no-input --verbosity 0 \
 && python -m compileall -q /app \
 && chmod -R u=rwX,go=rX /app
USER recon
VOLUME /data
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--no-ws", "--workers-kill-timeout", "30", "config.wsgi:application"]
