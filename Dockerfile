FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv /opt/groat
COPY requirements/runtime.txt requirements/
RUN /opt/groat/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY LICENSE README.md pyproject.toml ./
COPY src src
RUN /opt/groat/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
RUN useradd --system --create-home --home-dir /home/groat groat
COPY --from=build /opt/groat /opt/groat
ENV PATH=/opt/groat/bin:$PATH PYTHONUNBUFFERED=1
USER groat
WORKDIR /home/groat
EXPOSE 8420
ENTRYPOINT ["groat"]
