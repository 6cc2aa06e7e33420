# SPDX-License-Identifier: Apache-2.0
# What a person runs. Everything else is an npm script (package.json) or a script in tools/.

.PHONY: setup build check test conformance node-test demo bench clean

# Debian packages, npm packages (Node 24 among them), the native programs, the bundles.
setup:
	@tools/setup.sh

build: setup

# Static checks: generated code, types, lint, format, layers, licence headers.
check: setup
	@tools/with-node.sh npm run --silent check

# All tests: those without root in a few seconds, then those against the kernel.
test: setup
	@tools/with-node.sh tools/test.sh

# Kubernetes' critest against the daemon, needs Go: the whole matrix, or RUNS=runc-serial-spdy,crun-parallel-spdy of it.
conformance: setup
	@tools/with-node.sh node --disable-warning=ExperimentalWarning test/conformance/cri/run.ts

# The real kubelet on the daemon, needs Go: ten minutes of static pods, or MINUTES=2 (images are collected from 8 on).
node-test: setup
	@tools/with-node.sh node --disable-warning=ExperimentalWarning test/node/run.ts

# Pull, push and run a real image; leaves nothing running.
demo: setup
	@tools/with-node.sh node tools/demo.ts

bench: setup
	@tools/with-node.sh node bench/main.ts

clean:
	rm -rf dist build
