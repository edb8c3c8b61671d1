# Operator and data plane in one image: `docker build -t headgate:0.1.0 .`
#   docker run headgate:0.1.0 dist/operator/main.js
#   docker run headgate:0.1.0 dist/dataplane/main.js
# hack/cluster load-images assembles the same layout where there is no engine
# (hack/local-cluster/images.ts): a change here is a change there.

FROM node:26-bookworm-slim AS build
WORKDIR /source
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
# The npm package `node` is the Node that the project is tested with.
RUN node_modules/node/bin/node hack/build.ts --app /app

FROM debian:bookworm-slim AS runtime
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates libatomic1 libstdc++6 \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /app /app
ENV NODE_ENV=production PATH=/app/node_modules/node/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /app

# What end-to-end tests call the proxy with, from a pod beside it.
FROM runtime AS test-tools
RUN apt-get update && apt-get install -y --no-install-recommends curl
ENTRYPOINT []
CMD ["sleep", "infinity"]

FROM runtime AS headgate
USER 65532:65532
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning"]
CMD ["dist/cli/main.js", "--help"]
