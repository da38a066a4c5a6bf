# Every command here works on a fresh clone, and does its own set-up.

.PHONY: build install dist demo test bench soak servers

# The program, as ./restencil.
build:
	@. ./test/servers/progress.sh && dots "building restencil, as ./restencil" env CGO_ENABLED=0 go build -o restencil ./cmd/restencil

# The program with its systemd unit, man pages and completions, below PREFIX, and
# an example in /etc/restencil. DESTDIR stands before every path.
PREFIX ?= /usr/local
DESTDIR ?=
install: build
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" cmd/restencil/packaging/install.sh

# All files of a release, in dist/: programs for five platforms, deb and rpm,
# SBOMs, and SHA256SUMS. The same commit gives the same bytes.
dist:
	@cmd/restencil/packaging/dist.sh

# A file that follows live data, in ten seconds, with no server. It leaves the
# program behind as ./restencil.
demo: build
	@RESTENCIL="$(CURDIR)/restencil" examples/hello/run.sh

# All set-up for tests, then every check and every test, with real servers.
test:
	@test/run.sh

# How fast it is beside consul-template on a real Consul, in ten minutes. Writes
# test/bench/RESULTS.md, the chart beside it, the table in docs/performance.md and
# some lines of README.md, and fails where a limit is missed.
bench: servers
	RESTENCIL_TEST_SERVERS=required nice -n -15 go test -count=1 -timeout 30m -v -run '^Test(Bench|Status)$$' ./test/bench -args -full -write -judge

# 20,000 keys and 1,000 services on one agent, while some of them change for as
# long as SOAK says: nothing is lost, and memory stays flat. Then Consul fails in
# all the ways that test/faults has, each for as long as FAULTS says, and a
# cluster loses 50 leaders: no file is ever wrong, and all catch up. Then the same
# with Vault: tokens of 30 s and leases of 20 s end for as long as FAULTS says, and
# no query of an application fails; while renewals, reads and logins fail, little
# is issued.
SOAK = 20s
FAULTS = 10m
soak: servers
	RESTENCIL_TEST_SERVERS=required go test -count=1 -timeout 60m -v -run 'TestSoak|TestGrowth' ./test/bench -args -soak $(SOAK)
	RESTENCIL_TEST_SERVERS=required go test -count=1 -timeout 120m -parallel 8 -v ./test/faults -args -soak $(FAULTS)
	RESTENCIL_TEST_SERVERS=required go test -count=1 -timeout 120m -parallel 16 -v ./test/vault -args -soak $(FAULTS)

# What the tests run against: Consul, Vault, Nomad and consul-template into .cache/bin,
# nginx and PostgreSQL from the system's packages.
servers:
	@test/servers/get.sh
