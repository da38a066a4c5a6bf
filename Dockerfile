# restencil alone, in an image with nothing else: for a sidecar, and to copy the
# program from. See docs/container.md.
#
#   docker build --build-arg VERSION=v0.1.0 --build-arg COMMIT="$(git rev-parse HEAD)" -t restencil .
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS TARGETARCH VERSION=v0.1.0-dev COMMIT=unknown DATE=unknown
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
    -ldflags "-s -w -buildid= -X main.release=$VERSION,$COMMIT,$DATE" -o /root-of-image/usr/bin/restencil ./cmd/restencil \
 && install -d -m 1777 /root-of-image/tmp \
 && install -d -o 65532 -g 65532 -m 0700 /root-of-image/var/lib/restencil

FROM scratch
COPY --from=build /root-of-image /
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
USER 65532:65532
ENV STATE_DIRECTORY=/var/lib/restencil
ENTRYPOINT ["/usr/bin/restencil"]
