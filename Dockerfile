# gamut for nodes of a cluster: docker build -t gamutcli .
# Then: docker run --rm -v "$PWD:/work" --user "$(id -u):$(id -g)" gamutcli batch reduce photos -o web
FROM python:3.13-slim AS wheel
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir build && python -m build --wheel --outdir /wheel

FROM python:3.13-slim
# What of pyproject.toml's extras goes in; gpu brings gigabytes of CUDA.
ARG EXTRAS=heic,raw,exr,remote
LABEL org.opencontainers.image.title="gamutcli" org.opencontainers.image.licenses="MIT"
COPY --from=wheel /wheel /wheel
RUN pip install --no-cache-dir "$(echo /wheel/*.whl)[$EXTRAS]"
RUN useradd --create-home --uid 1000 gamut && install -d -o gamut /work
USER gamut
WORKDIR /work
ENTRYPOINT ["gamut"]
CMD ["--help"]
