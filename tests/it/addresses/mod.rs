//! Addresses of real nodes: changed, and every way in which that can go wrong. Whatever happens, the node answers on
//! its old address within the timer, or on the new one if that was kept.

pub(super) mod attempt;
mod fault;
mod server;

use std::time::Instant;

use fault::Fault;
use server::{Renderer, Servers};

/// What becomes of a node's address in one case, seeded: which fault, and when it strikes.
#[derive(Debug, Clone, Copy)]
struct Case {
    fault: Fault,
    /// Milliseconds after the new network is being tried.
    after: u64,
}

/// A small generator (Knuth's MMIX): the same seed, the same cases.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Cases in which every fault has its turn.
fn cases(faults: &[Fault], seed: u64) -> Vec<Case> {
    let mut seeded = Seeded(seed);
    faults.iter().map(|&fault| Case { fault, after: seeded.below(1200) }).collect()
}

/// Runs each server's cases, all servers at once, and tells how many held.
#[expect(clippy::print_stderr, reason = "the test's log keeps its figures")]
fn run(name: &str, network: &str, servers: &[(Renderer, Vec<Case>)]) {
    let all = servers.iter().map(|(_, cases)| cases.len()).sum::<usize>();
    let place = Servers::up(name, network, servers.iter().map(|(renderer, _)| *renderer));
    let began = Instant::now();
    let lines: Vec<(bool, String)> = std::thread::scope(|threads| {
        let running: Vec<_> = servers
            .iter()
            .enumerate()
            .map(|(number, (renderer, cases))| {
                let place = &place;
                threads.spawn(move || {
                    let mut server = place.server(number, *renderer);
                    cases.iter().map(|case| server.goes_through(*case)).collect::<Vec<_>>()
                })
            })
            .collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    for (held, line) in &lines {
        eprintln!("{} {line}", if *held { "held  " } else { "FAILED" });
    }
    let held = lines.iter().filter(|(held, _)| *held).count();
    eprintln!("{held} of {all} cases held, in {:?}", began.elapsed());
    assert_eq!(held, all);
}

/// A change that works, by each renderer, and three that must not last.
#[test]
fn an_address_is_kept_or_the_old_one_comes_back() {
    use Fault::{CableOut, Killed, Nothing, PowerCut, WrongGateway};
    run(
        "it-addr",
        "10.83.0",
        &[
            (Renderer::Networkd, cases(&[Nothing, Nothing, Killed], 1)),
            (Renderer::Netplan, cases(&[Nothing, Nothing, CableOut], 2)),
            (Renderer::Networkd, cases(&[WrongGateway, PowerCut], 3)),
        ],
    );
}

/// The same by the two that are asked to take a file, instead of reading it by themselves.
#[test]
fn ifupdown_and_network_manager_do_it_too() {
    use Fault::{Killed, Nothing, PowerCut, WrongGateway, WrongVlan};
    run(
        "it-addr2",
        "10.86.0",
        &[
            (Renderer::Ifupdown, cases(&[Nothing, Nothing, WrongGateway], 4)),
            (Renderer::Ifupdown, cases(&[WrongVlan, Killed], 5)),
            (Renderer::NetworkManager, cases(&[Nothing, Nothing, WrongGateway], 6)),
            (Renderer::NetworkManager, cases(&[PowerCut, Killed], 7)),
        ],
    );
}

/// Thirty cases over all faults and renderers.
#[test]
#[ignore = "about 15 minutes: thirty cases, most of which wait for the node's timer"]
fn thirty_of_thirty() {
    use Fault::{CableOut, Frozen, Killed, Nothing, PowerCut, WrongGateway, WrongInterface, WrongVlan};
    let seed: u64 = std::env::var("SEALIFT_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let of = |renderer, faults: &[Fault], number: u64| (renderer, cases(faults, seed * 10 + number));
    run(
        "it-addr30",
        "10.84.0",
        &[
            of(Renderer::Networkd, &[Killed, Nothing, WrongGateway, CableOut, PowerCut, Killed], 1),
            of(Renderer::Netplan, &[Nothing, PowerCut, WrongInterface, Killed, CableOut, WrongGateway], 2),
            of(Renderer::Ifupdown, &[WrongInterface, CableOut, Frozen, Killed, WrongVlan, Nothing], 3),
            of(Renderer::NetworkManager, &[WrongGateway, Frozen, Nothing, PowerCut, WrongVlan, CableOut], 4),
            of(
                Renderer::Networkd,
                &[PowerCut, WrongVlan, WrongGateway, Nothing, WrongInterface, PowerCut],
                5,
            ),
        ],
    );
}
