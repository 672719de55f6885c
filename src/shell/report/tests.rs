//! The page is whole, fetches nothing, and lets nobody write into it.

use sealift_engine::Change;
use sealift_stream::Digest;

use super::report_html;
use crate::ops::{Applied, End, Image, Item, Node, Receipt, State, StepState, Timing};

/// What an attacker would call a node, or have a program say.
const HOSTILE: &str =
    "</title></pre><script>alert(1)</script><img src=x onerror=\"alert('2')\"> & {{ 7 * 7 }}";

/// A run that failed, with `text` wherever a text comes from outside.
fn receipt(text: &str) -> Receipt {
    let own = || text.to_owned();
    let step = |state, started, seconds| Timing {
        play: own(),
        node: own(),
        step: own(),
        state,
        started,
        seconds,
        error: vec![],
    };
    Receipt {
        schema: Receipt::SCHEMA,
        r#type: Receipt::TYPE,
        sealift: "0.1.0",
        verb: "install",
        cluster: own(),
        outcome: End::Failed,
        error: vec![own(), own()],
        began: "2026-11-22T20:00:00Z".to_owned(),
        ended: "2026-11-22T20:01:00Z".to_owned(),
        seconds: 60.0,
        inputs: vec![],
        release: None,
        plan: None,
        nodes: vec![Node {
            name: own(),
            role: "worker",
            address: own(),
            host_key: None,
            system: None,
            images: Some(vec![Image { name: own(), digest: Digest::of(b""), whole: true, pinned: false }]),
        }],
        items: vec![Item { kind: "image", name: own(), version: own(), digest: Digest::of(b""), size: 7 }],
        changes: vec![Applied {
            play: own(),
            node: own(),
            step: own(),
            change: Change::new(text, text, text, text),
            state: State::Failed,
        }],
        steps: vec![
            step(StepState::Changed, 0.0, 30.0),
            step(StepState::Failed, 30.0, 0.01),
            step(StepState::Unchanged, 30.1, 0.1),
        ],
        journal: Some(own()),
    }
}

/// Names of opened elements in a page whose elements are all closed; the first that is not is an error.
fn elements(page: &str) -> Result<Vec<String>, String> {
    let (mut open, mut seen): (Vec<&str>, Vec<String>) = (vec![], vec![]);
    for part in page.split('<').skip(1) {
        let tag = part.split('>').next().unwrap_or_default();
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        if tag.starts_with('/') {
            let last = open.pop();
            if last != Some(name) {
                return Err(format!("</{name}> closes {last:?}"));
            }
        } else if !tag.starts_with('!') {
            seen.push(name.to_owned());
            if !tag.ends_with('/') && name != "meta" {
                open.push(name);
            }
        }
    }
    if open.is_empty() { Ok(seen) } else { Err(format!("{open:?} stay open")) }
}

#[test]
fn nobody_writes_into_the_page() {
    let (plain, hostile) = (report_html(&receipt("cp1")).unwrap(), report_html(&receipt(HOSTILE)).unwrap());
    assert_eq!(elements(&plain), elements(&hostile), "a text became an element");
    assert!(!hostile.contains("<script") && !hostile.contains("<img") && !hostile.contains(HOSTILE));
    assert!(
        hostile.contains("&lt;script&gt;alert(1)&lt;") && hostile.contains("{{ 7 * 7 }}"),
        "the text is gone"
    );
}

#[test]
fn the_page_fetches_nothing() {
    let page = report_html(&receipt("cp1")).unwrap();
    for word in ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link", "<iframe"] {
        assert!(!page.contains(word), "{word} in the page");
    }
    assert!(page.contains("default-src 'none'"), "a browser is not told to fetch nothing");
    for word in ["prefers-color-scheme: dark", "@media print"] {
        assert!(page.contains(word), "no {word}");
    }
}

#[test]
fn a_failed_run_says_so_and_hides_no_step_that_failed() {
    let page = report_html(&receipt("cp1")).unwrap();
    assert!(page.contains("<span class=\"end bad\">failed</span>"), "{page}");
    assert_eq!(page.matches("<rect class=\"lane").count(), 1, "the short step has no bar");
    assert_eq!(page.matches("<rect class=\"failed\"").count(), 1, "a failed one has, however short");
    assert!(page.contains(">not pinned<") && page.contains("<strong class=\"bad\">failed</strong>"));
}

/// Whoever reads receipts of the first schema finds every field of it in today's.
#[test]
fn every_field_of_the_first_schema_is_still_written() {
    fn lost(before: &serde_json::Value, now: &serde_json::Value, path: &str, found: &mut Vec<String>) {
        if let (Some(before), Some(now)) = (before.as_object(), now.as_object()) {
            for (key, value) in before {
                match now.get(key) {
                    Some(now) => lost(value, now, &format!("{path}.{key}"), found),
                    None => found.push(format!("{path}.{key}")),
                }
            }
        } else if let (Some(before), Some(now)) = (before.get(0), now.get(0)) {
            lost(before, now, &format!("{path}[]"), found);
        }
    }
    let before: serde_json::Value = serde_json::from_str(include_str!("receipt_v1.json")).unwrap();
    let mut now = serde_json::to_value(receipt("x")).unwrap();
    assert_eq!((&before["schema"], &before["type"]), (&now["schema"], &now["type"]));
    let mut found = vec![];
    lost(&before, &now, "", &mut found);
    assert!(found.is_empty(), "{found:?}");
    now["nodes"][0].as_object_mut().unwrap().remove("host_key");
    lost(&before, &now, "", &mut found);
    assert_eq!(found, [".nodes[].host_key"], "a lost field would be found");
}
