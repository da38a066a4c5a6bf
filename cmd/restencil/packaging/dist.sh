#!/bin/sh
# Makes all files of a release in dist/, or in the folder given: programs, deb and
# rpm, their SBOMs and SHA256SUMS. The same commit gives the same bytes, in
# whatever folder it is built and whenever.
set -eu
cd "$(dirname "$0")/../../.."
out=${1:-dist}
export TZ=UTC LC_ALL=C
umask 022
. test/servers/progress.sh

nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.44.2
cyclonedx=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

# A commit with a tag is a release. VERSION, COMMIT and SOURCE_DATE_EPOCH are for
# whoever builds without git, for example from an archive of the sources.
VERSION=${VERSION:-$(git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null || echo v0.1.0-dev)}
COMMIT=${COMMIT:-$(git rev-parse HEAD)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export VERSION SOURCE_DATE_EPOCH
date=$(date -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
number=${VERSION#v}

# build OS ARCH PROGRAM builds a program.
build() {
	dots "building ${3##*/}" env CGO_ENABLED=0 GOOS=$1 GOARCH=$2 go build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X main.release=$VERSION,$COMMIT,$date" -o "$3" ./cmd/restencil
}

# describe PROGRAM writes its SBOM.
describe() { go run $cyclonedx bin -json -noserial -notimestamp -std -version "$VERSION" -output "$1.cdx.json" "$1" 2>/dev/null; }

rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
trap 'exit 1' HUP INT PIPE TERM

# The packages' man pages and completions are written by the program of this machine.
build "$(go env GOHOSTOS)" "$(go env GOHOSTARCH)" "$stage/restencil"

for platform in ${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64}; do
	os=${platform%/*}
	arch=${platform#*/}
	program=$out/restencil_${number}_${os}_$arch
	[ "$os" != windows ] || program=$program.exe
	build "$os" "$arch" "$program"
	dots "listing what it is made of" describe "$program"
	[ "$os" = linux ] || continue

	PREFIX=/usr DESTDIR=$stage/$arch PROGRAM=$program GENERATOR=$stage/restencil cmd/restencil/packaging/install.sh
	find "$stage/$arch" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	for format in deb rpm; do
		STAGE=$stage/$arch ARCH=$arch go run $nfpm package --config cmd/restencil/packaging/nfpm.yaml --packager $format --target "$out" >&2
	done
done
(cd "$out" && sha256sum -- * >"$stage/sums" && mv "$stage/sums" SHA256SUMS)
ls -l "$out" >&2
