# Two images from one build: `docker build --target operator .` and `docker build --target validator .`
# hack/images builds the same two without Docker.

FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS source
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY api/ api/
COPY cmd/ cmd/
COPY internal/ internal/
ARG TARGETOS
ARG TARGETARCH
ENV CGO_ENABLED=0 GOOS=${TARGETOS:-linux} GOARCH=${TARGETARCH}

FROM source AS build-operator
RUN go build -ldflags="-s -w" -o /out/operator ./cmd

FROM source AS build-validator
RUN for phase in readiness deployment performance conformance snapshot; do \
      go test -c -ldflags="-s -w" -o /out/${phase}.test ./internal/checks/${phase} || exit 1; \
    done

FROM gcr.io/distroless/static-debian12:nonroot AS validator
COPY --from=build-validator /out/ /usr/local/bin/
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
USER 65532:65532

FROM gcr.io/distroless/static-debian12:nonroot AS operator
COPY --from=build-operator /out/operator /usr/local/bin/operator
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/operator"]
