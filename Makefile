# darban: the commands of a working day. Each does its own set-up.

CARGO ?= cargo

.PHONY: demo test test-kill test-long check bench bench-state gates deb

## demo: a portal with three harvests through the whole of darban; BROKERS=host:port on your cluster
demo:
	$(CARGO) build --release --locked
	./target/release/darban demo $(if $(BROKERS),--brokers $(BROKERS))

## test: everything: formatting, lints, documentation, licences, and every test there is
test: check
	$(CARGO) test --release --locked

## test-kill: a thousand times kill -9 against a real broker; KILLS=n
test-kill:
	DARBAN_KILLS=$(or $(KILLS),1000) $(CARGO) test --release --locked --test integration kills:: -- --nocapture

## test-long: kills of a made-up process under twenty thousand seeds; SEEDS=n
test-long:
	DARBAN_SEEDS=$(or $(SEEDS),20000) $(CARGO) test --release --locked --test integration simulation::nothing

## check: what needs no test to run: formatting, lints, documentation, licences
check:
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --release --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --no-deps --quiet
	@if command -v cargo-deny >/dev/null; then cargo deny check bans licenses sources; \
	elif [ "$$CI" = true ]; then echo "cargo-deny is missing" >&2; exit 1; \
	else echo "skipped: licences: cargo-deny is not installed"; fi

## bench: records a second, CPU and memory, beside bare decoding and a naive program; 5 minutes
bench:
	$(CARGO) bench --locked --bench bench

## bench-state: what keeping a million clients costs, and how soon they are back; PROFILES=n
bench-state:
	$(CARGO) bench --locked --bench state

## gates: what harvests take before the page, and who must stay silent; SEEDS=n, FROM=n, QUICK=1
gates:
	$(CARGO) bench --locked --bench gates

## deb: a Debian package in target/debian
deb:
	$(CARGO) build --release --locked
	deploy/debian/build target/release/darban target/debian
