use std::time::Duration;

use futures::FutureExt as _;
use sealift_node::BlobTarget;
use sealift_stream::Digest;

use super::{AT_ONCE, LEAST, Relay, Source, Way};

const SIZE: u64 = 32 << 20;

fn blob() -> Digest {
    Digest::of(b"blob")
}

/// Of an image: it can be given when it is whole.
fn content(digest: Digest, size: u64) -> BlobTarget {
    BlobTarget::Content { digest, size }
}

fn node(name: &str) -> Source {
    Source::Node(name.to_owned())
}

/// The way, unless it has to be waited for.
fn now<'a>(relay: &'a Relay, to: &str, size: u64) -> Option<Way<'a>> {
    relay.way(to, &content(blob(), size)).now_or_never()
}

#[test]
fn the_first_gets_it_from_the_operator_and_the_others_from_each_other() {
    let relay = Relay::new();
    let first = now(&relay, "a", SIZE).unwrap();
    assert_eq!(first.from, Source::Operator);
    assert!(now(&relay, "b", SIZE).is_none(), "it is on its way to a");
    first.arrived(SIZE, Duration::from_secs(1));
    let second = now(&relay, "b", SIZE).unwrap();
    assert_eq!(second.from, node("a"));
    second.arrived(SIZE, Duration::from_millis(10));
    // a gives nothing now; b was never tried by c, and neither was a: the one with fewer takers
    let third = now(&relay, "c", SIZE).unwrap();
    let fourth = now(&relay, "d", SIZE).unwrap();
    assert_ne!(third.from, fourth.from);
}

#[test]
fn a_file_is_taken_while_it_comes() {
    let relay = Relay::new();
    let file = BlobTarget::File { digest: blob(), size: SIZE };
    let first = relay.way("a", &file).now_or_never().unwrap();
    let second = relay.way("b", &file).now_or_never().unwrap();
    assert_eq!((second.from.clone(), second.growing), (node("a"), true));
    // what came no faster than the operator's link says nothing of the way between the two
    second.arrived(SIZE, Duration::from_secs(9));
    drop(first);
    let third = relay.way("c", &file).now_or_never().unwrap();
    assert_eq!((third.from.clone(), third.growing), (node("b"), false), "b has it whole, a was cut");
    third.gone();
    let fourth = relay.way("d", &file).now_or_never().unwrap();
    assert_eq!(fourth.from, Source::Operator);
    assert_eq!(relay.way("a", &file).now_or_never().unwrap().from, node("d"), "it goes on behind another");
}

#[test]
fn behind_one_that_was_cut_nobody_waits_for_each_other() {
    let relay = Relay::new();
    let file = BlobTarget::File { digest: blob(), size: SIZE };
    for _ in 0..2 {
        let first = relay.way("a", &file).now_or_never().unwrap();
        let behind = relay.way("b", &file).now_or_never().unwrap();
        assert!(behind.growing);
        drop(first);
        let again = relay.way("a", &file).now_or_never().unwrap();
        assert_eq!(again.from, Source::Operator, "b has nothing that a has not");
        drop(again);
        behind.failed();
    }
    relay.has("a", blob());
    assert_eq!(relay.way("b", &file).now_or_never().unwrap().from, node("a"), "it was not a's fault");
}

#[test]
fn a_transfer_that_ends_without_its_blob_makes_room_for_the_next() {
    let relay = Relay::new();
    drop(now(&relay, "a", SIZE).unwrap());
    assert_eq!(now(&relay, "b", SIZE).unwrap().from, Source::Operator);
}

#[test]
fn small_ones_wait_for_nobody_and_neither_does_anybody_without_a_relay() {
    let relay = Relay::new();
    let _first = now(&relay, "a", LEAST - 1).unwrap();
    assert_eq!(now(&relay, "b", LEAST - 1).unwrap().from, Source::Operator);
    relay.off();
    let _first = now(&relay, "a", SIZE).unwrap();
    assert_eq!(now(&relay, "b", SIZE).unwrap().from, Source::Operator);
}

#[test]
fn a_giver_has_few_takers() {
    let relay = Relay::new();
    relay.has("a", blob());
    let takers: Vec<_> = (0..AT_ONCE).map(|n| now(&relay, &format!("t{n}"), SIZE).unwrap()).collect();
    assert!(takers.iter().all(|way| way.from == node("a")));
    assert!(now(&relay, "late", SIZE).is_none());
    drop(takers);
    assert!(now(&relay, "late", SIZE).is_some());
}

#[test]
fn nodes_that_fail_each_other_leave_it_to_the_operator() {
    let relay = Relay::new();
    relay.has("a", blob());
    for _ in 0..2 {
        let way = now(&relay, "b", SIZE).unwrap();
        assert_eq!(way.from, node("a"));
        way.failed();
    }
    assert_eq!(now(&relay, "b", SIZE).unwrap().from, Source::Operator);
    assert_eq!(now(&relay, "c", SIZE).unwrap().from, node("a"), "c and a have not tried");
}

#[test]
fn a_giver_that_is_slower_than_the_operator_is_not_asked_again() {
    let relay = Relay::new();
    let other = Digest::of(b"other");
    let sent = relay.way("b", &content(other, SIZE)).now_or_never().unwrap();
    sent.arrived(SIZE, Duration::from_millis(10));
    let given = |name: &str| {
        let digest = Digest::of(name.as_bytes());
        relay.has("a", digest);
        relay.way("b", &content(digest, SIZE)).now_or_never().unwrap()
    };
    given("slow").arrived(SIZE, Duration::from_secs(9));
    // once may be the moment, and a small one says nothing
    given("fast").arrived(SIZE, Duration::from_millis(10));
    given("slow again").arrived(SIZE, Duration::from_secs(9));
    given("small").arrived(1 << 20, Duration::from_secs(9));
    given("and again").arrived(SIZE, Duration::from_secs(9));
    assert_eq!(given("third").from, Source::Operator);
}

#[test]
fn a_giver_is_not_slow_because_it_has_many_takers() {
    let relay = Relay::new();
    let other = content(Digest::of(b"other"), SIZE);
    relay.way("b", &other).now_or_never().unwrap().arrived(SIZE, Duration::from_secs(1));
    relay.has("a", blob());
    let takers = ["b", "c", "d"].map(|to| now(&relay, to, SIZE).unwrap());
    // as fast as the operator's link, and shared by three
    for way in takers {
        way.arrived(SIZE, Duration::from_secs(3));
    }
    let third = Digest::of(b"third");
    relay.has("a", third);
    assert_eq!(relay.way("b", &content(third, SIZE)).now_or_never().unwrap().from, node("a"));
}
