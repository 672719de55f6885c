# make demo and make test are each the first command on a fresh clone of a fresh machine (Rust, Go, Debian).
# They may install Debian packages when root (tests/prereq.sh lists them), write to target/ and to the
# lab's cache outside the repository, and make network namespaces of their own. Nothing else.
.DEFAULT_GOAL := help
.PHONY: help demo demo-down test test-full bench lint prereq

help:
	@echo "make demo       pack, sign, carry and install a real cluster in the lab; leaves it running"
	@echo "make demo-down  end the demo and remove what it made"
	@echo "make test       every level of test, the lab included; ONLY=WORD: of those on real machines only some"
	@echo "make test-full  the same with the long matrices whole"
	@echo "make bench      times beside their floors"
	@echo "make lint       formatting, clippy, licences"

prereq:
	@bash tests/prereq.sh

demo: prereq
	@bash tests/lab/demo.sh up

demo-down:
	@bash tests/lab/demo.sh down

test: prereq
	@bash tests/run.sh

test-full: prereq
	@SEALIFT_TEST_FULL=1 bash tests/run.sh

bench: prereq
	@bash tests/bench/run.sh

lint: prereq
	@bash tests/lint.sh
