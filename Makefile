# Every command here works on a fresh clone, and does its own set-up.

.PHONY: build demo test bench servers

# The program, as ./restencil.
build:
	CGO_ENABLED=0 go build -o restencil ./cmd/restencil

# A file that follows live data, in ten seconds, with no server.
demo:
	@examples/hello/run.sh

# All set-up for tests, then every check and every test, with real servers.
test:
	@test/run.sh

# How fast it is beside consul-template: on a real Consul, and templates alone.
bench: servers
	RESTENCIL_TEST_SERVERS=required go test -run '^$$' -bench . -benchtime 300x ./test/bench
	go -C test/bench/template test -run '^$$' -bench . -benchtime 100x .

# What the tests run against: Consul and consul-template into .cache/bin, nginx
# from the system's packages.
servers:
	@test/servers/get.sh
