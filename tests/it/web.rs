//! The demo's web workload, and whether it answers outside the cluster.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::kit::demo_file_in;
use super::place::Place;

/// Applies it and waits until it runs and has an address of the demo's pool. Gives its URL.
pub(super) fn apply(place: &Place, network: &str) -> String {
    let file = place.scene().dir().join("web.yaml");
    std::fs::write(&file, demo_file_in("web.yaml", network)).unwrap();
    place.kubectl(&["apply", "-f", file.to_str().unwrap()]).expect(0);
    place.kubectl(&["rollout", "status", "deployment/web", "--timeout=360s"]).expect(0);
    let address = eventually("an address from MetalLB", Duration::from_mins(3), || {
        let run =
            place.kubectl(&["get", "service", "web", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}"]);
        (!run.stdout.is_empty()).then_some(run.stdout)
    });
    let octet: Option<u8> =
        address.strip_prefix(network).and_then(|rest| rest.strip_prefix('.')?.parse().ok());
    assert!(octet.is_some_and(|octet| (240..=250).contains(&octet)), "{address} is not in the pool");
    format!("http://{address}/hostname")
}

/// Waits until it answers 200. Right after a reboot its address may lead to another pod for a moment, which has the old
/// one's and says 404 (CoreDNS listens on the same port): Kubernetes learns last where a pod is now.
pub(super) fn answers(place: &Place, url: &str, limit: Duration) {
    eventually("200 on the address", limit, || {
        let words = ["-sS", "-m", "3", "-o", "/dev/null", "-w", "%{http_code}", url];
        let run = place.operator("curl", &words).stderr(Stdio::null()).output();
        (run.unwrap().stdout == b"200").then_some(())
    });
}

/// Asks every half second until there is an answer.
#[track_caller]
pub(super) fn eventually<T>(what: &str, limit: Duration, ask: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < limit, "no {what} after {limit:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}
