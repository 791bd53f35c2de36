# One image for web, worker, beat and migrations; docker-compose.yml says which is which.
FROM python:3.11-slim AS build
COPY requirements/run.txt /build/run.txt
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes --requirement /build/run.txt

FROM python:3.11-slim
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
# Collecting needs settings that start, and none of these values outlives the command.
RUN SECRET_KEY=for-this-step-alone DATABASE_URL=postgres://none/none REDIS_URL=redis://none ALLOWED_HOSTS=none CSRF_TRUSTED_ORIGINS=https://none \
    EMAIL_URL=dummymail:// DEFAULT_FROM_EMAIL=none@example.test python manage.py collectstatic --no-input --verbosity 0
USER recon
VOLUME /data
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--no-ws", "--workers-kill-timeout", "30", "config.wsgi:application"]
