# Any base with glibc or musl serves; Node comes from the image that builds, so both must have the same C library:
#   docker build .
#   docker build --build-arg NODE_IMAGE=node:26-alpine --build-arg BASE_IMAGE=alpine:3.22 .
ARG NODE_IMAGE=node:26-bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
RUN chown node:node /build && install -d /out && cp "$(command -v node)" /out/node
USER node
COPY --chown=node:node package.json package-lock.json .npmrc ./
RUN npm ci --no-progress --loglevel=error
COPY --chown=node:node . .
RUN /out/node scripts/build.ts

FROM ${BASE_IMAGE}
# Tools that own a format (mkfs, resize, blkid), and the libraries of Node.
RUN set -eu; \
    if command -v apt-get; then \
      apt-get -qq update; \
      DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install \
        btrfs-progs e2fsprogs xfsprogs util-linux mount libatomic1; \
      rm -rf /var/lib/apt/lists/*; \
    elif command -v apk; then \
      apk add --no-cache \
        btrfs-progs e2fsprogs e2fsprogs-extra xfsprogs xfsprogs-extra util-linux blkid mount umount libstdc++ libatomic; \
    elif command -v microdnf; then \
      microdnf -y install btrfs-progs e2fsprogs xfsprogs util-linux libatomic; \
      microdnf clean all; \
    elif command -v dnf; then \
      dnf -y --setopt=install_weak_deps=False install btrfs-progs e2fsprogs xfsprogs util-linux libatomic; \
      dnf clean all; \
    else \
      echo 'this base has none of apt-get, apk, microdnf, dnf' >&2; exit 1; \
    fi
COPY --from=build /out/node /usr/local/bin/node
COPY --from=build /build/dist /opt/berth
COPY LICENSE /opt/berth/
# Garbage of the start is collected once (src/host/garbage.ts), and a burst of calls leaves little behind.
ENV NODE_OPTIONS="--expose-gc --max-semi-space-size=4"
RUN ln -s /opt/berth/berth.mjs /usr/local/bin/berth && berth --version
ENTRYPOINT ["berth"]
CMD ["node", "--config", "/etc/berth/berth.yaml"]
