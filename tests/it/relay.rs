//! Blobs from node to node: counted is what the operator's own link carries. It is the slower one, as at most sites: where
//! both are as fast as the processors, whichever was measured slow in some moment is left alone.

use nix::sys::signal::Signal;

use super::kit::{Ran, SEALIFT};
use super::place::Place;
use super::running::Running;

const NODES: [&str; 3] = ["cp1", "w1", "w2"];

/// Once for three nodes, and, where the nodes' own packets to each other are dropped, three times.
#[test]
fn the_operators_link_carries_each_blob_once() {
    let place = Place::with_workers("it-relay", "10.87.0", 2);
    let limit = "qdisc replace dev br0 root tbf rate 300mbit burst 1mb latency 100ms";
    let words: Vec<_> = limit.split(' ').collect();
    Ran::of(&mut place.operator("tc", &words)).expect(0);
    let before = place.listings();
    let once = staged(&place);
    assert!(once.said.contains("MB came from other nodes"), "{}", once.said);
    let other = once.said.matches("it comes another way").count();
    assert_eq!(other, 0, "{}", once.said);
    place.verb("reset").expect(0);
    place.is_as_before(&before, "reset");

    apart(&place);
    let thrice = staged(&place);
    assert!(thrice.said.contains("it comes another way"), "{}", thrice.said);
    place.verb("reset").expect(0);
    #[expect(clippy::cast_precision_loss, reason = "a ratio of megabytes")]
    let ratio = thrice.bytes as f64 / once.bytes as f64;
    assert!(ratio > 2.2, "{} bytes with a relay, {} without", once.bytes, thrice.bytes);
}

/// What a run sent until every image was everywhere.
struct Staged {
    bytes: u64,
    said: String,
}

/// Installs, and ends the run when the images are there: what comes after is no matter of links.
#[expect(clippy::print_stderr, reason = "the test's log keeps its figures")]
fn staged(place: &Place) -> Staged {
    let sent = sent(place);
    let words = place.words("install");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let run = Running::start(&mut place.operator(*SEALIFT, &words));
    run.wait_for("static pods");
    run.signal(Signal::SIGTERM);
    let ended = run.end();
    assert_eq!(ended.status, 130, "{}", ended.stderr);
    let bytes = self::sent(place) - sent;
    eprintln!("{} MB over the operator's link to {} nodes", bytes / 1_000_000, NODES.len());
    Staged { bytes, said: ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ") }
}

/// Bytes that the operator has sent into the nodes' network: what nodes send each other crosses its bridge and is not
/// counted as the bridge's own.
fn sent(place: &Place) -> u64 {
    let shown = Ran::of(&mut place.operator("ip", &["-json", "-stats", "link", "show", "br0"])).expect(0);
    let links: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    links[0]["stats64"]["tx"]["bytes"].as_u64().unwrap()
}

/// The nodes drop connections from each other.
fn apart(place: &Place) {
    let rules = "table inet apart { chain in { type filter hook input priority 0; \
                 ip saddr 10.87.0.2-10.87.0.254 tcp flags & (syn | ack) == syn drop; }; }";
    for name in NODES {
        place.node(name).exec(&["nft", rules]).unwrap();
    }
}
