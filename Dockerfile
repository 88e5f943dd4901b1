# The Eye in a container, built from the sources beside this file:
#   docker build -t the-eye .
#   docker run -p 127.0.0.1:8000:8000 -v the-eye:/data the-eye

FROM rust:1.95-bookworm AS build
WORKDIR /build
# rust-toolchain.toml stays behind: it asks for tools that only development needs.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
COPY assets assets
# Cargo reads no package whose benches are not there.
COPY benches benches
COPY catalog catalog
COPY migrations migrations
COPY templates templates
COPY src src
RUN cargo build --release --locked --bin the-eye

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
# A fixed number, so that a folder of the host can be made this user's.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin eye \
    && install -d -o eye -g eye /data
COPY --from=build /build/target/release/the-eye /usr/local/bin/the-eye
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/the-eye/
# Within the container; what the host publishes is for `docker run -p` to say.
ENV EYE_LISTEN=0.0.0.0:8000 EYE_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
# Bash alone, which the image has. Not /readyz: nobody should restart this because a database is away.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${EYE_LISTEN##*:} && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["the-eye"]
CMD ["serve"]
