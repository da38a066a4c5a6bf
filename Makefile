# Every command here works on a fresh clone, and does its own set-up.

.PHONY: build demo test servers

# The program, as ./restencil.
build:
	CGO_ENABLED=0 go build -o restencil ./cmd/restencil

# A file that follows live data, in ten seconds, with no server.
demo:
	@examples/hello/run.sh

# All set-up for tests, then every check and every test, with real servers.
test:
	@test/run.sh

# What the tests run against: Consul and consul-template into .cache/bin, nginx
# from the system's packages.
servers:
	@test/servers/get.sh
