# Debian or what is made from it, on both sides: `scripts/image.sh` builds it from bases that it has made, without a registry.
#   docker build [--build-arg NODE_IMAGE=…] [--build-arg BASE_IMAGE=…] .
ARG NODE_IMAGE=node:26-bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim

# Of the first image npm is wanted: Node itself comes with the packages, in the version that is tested.
FROM ${NODE_IMAGE} AS build
RUN apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install binutils libatomic1
WORKDIR /build
RUN chown node:node /build
USER node
COPY --chown=node:node package.json package-lock.json .npmrc ./
RUN npm ci --no-progress --loglevel=error
COPY --chown=node:node . .
# Without its symbols, which nobody reads, Node has a quarter less.
RUN node_modules/.bin/node scripts/build.ts && strip -o node node_modules/node-linux-*/bin/node

FROM ${BASE_IMAGE}
# Tools that own a format (mkfs, resize, blkid), and the libraries of Node. xfsprogs comes without Python and the tables of
# Unicode: two of its tools that Berth does not call want them, and they are as large as all the others.
RUN cd /tmp && apt-get -qq update && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install \
      btrfs-progs e2fsprogs util-linux mount libatomic1 libstdc++6 \
      $(apt-cache depends xfsprogs | sed -n 's/^ *Depends: \(lib.*\)/\1/p' | grep -v '^libicu') && \
    apt-get -qq download xfsprogs && dpkg --force-depends --install xfsprogs_*.deb && rm xfsprogs_*.deb && \
    apt-get -qq clean && rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt
COPY --from=build /build/node /usr/local/bin/node
COPY --from=build /build/dist /opt/berth
COPY LICENSE /opt/berth/
# Garbage of the start is collected once (src/host/garbage.ts), and a burst of calls leaves little behind.
ENV NODE_OPTIONS="--expose-gc --max-semi-space-size=4"
RUN ln -s /opt/berth/berth.mjs /usr/local/bin/berth && berth --version
ENTRYPOINT ["berth"]
CMD ["node", "--config", "/etc/berth/berth.yaml"]
