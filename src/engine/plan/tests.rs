//! What a plan that was agreed to still covers, and what its changes are in texts.

use super::{Moved, Plan};
use crate::testkit::{Kit, cluster, plan, steps};
use crate::{Compiled, Difference, Events};

const LINES: &[&str] = &[
    "{name: a, file: {path: /etc/a, content: \"new\\n\"}}",
    "{name: b, file: {path: /etc/b, content: \"new\\n\"}}",
    "{name: key, file: {path: /etc/key, content: hush, secret: true}}",
];

fn covers(kit: &Kit, compiled: &Compiled, agreed: &Plan, fresh: &Plan) -> Result<(), Moved> {
    agreed.covers(fresh, compiled, &kit.cluster)
}

#[tokio::test]
async fn a_plan_covers_what_is_left_of_it_and_nothing_new() {
    let kit = Kit::new();
    let compiled = steps(&kit, LINES);
    let agreed = plan(&kit, &compiled).await.unwrap();
    assert_eq!(covers(&kit, &compiled, &agreed, &agreed), Ok(()));

    kit.put("/etc/a", "new\n");
    let left = plan(&kit, &compiled).await.unwrap();
    assert_eq!(covers(&kit, &compiled, &agreed, &left), Ok(()), "less is no obstacle");
    let Err(Moved::New(new)) = covers(&kit, &compiled, &left, &agreed) else {
        panic!("a came back unnoticed")
    };
    assert_eq!(new.iter().map(|step| step.step.as_str()).collect::<Vec<_>>(), ["a", "a"], "one per node");
    assert!(Moved::New(new).to_string().contains("cp1: a: /etc/a (absent -> "));
}

#[tokio::test]
async fn a_plan_from_elsewhere_or_by_hand_covers_nothing() {
    let mut kit = Kit::new();
    let compiled = steps(&kit, LINES);
    let agreed = plan(&kit, &compiled).await.unwrap();

    let mut torn = agreed.clone();
    torn.plays[0].steps[0].changes[0].what = "/etc/shadow".to_owned();
    assert_eq!(covers(&kit, &compiled, &torn, &agreed), Err(Moved::Torn));

    let fewer = steps(&kit, &LINES[..1]);
    let fresh = plan(&kit, &fewer).await.unwrap();
    assert_eq!(
        covers(&kit, &fewer, &agreed, &fresh),
        Err(Moved::Basis(vec!["by another version of sealift"]))
    );

    kit.cluster = cluster(&crate::testkit::CLUSTER.replace("10.244", "10.245"));
    let fresh = plan(&kit, &compiled).await.unwrap();
    let moved = covers(&kit, &compiled, &agreed, &fresh);
    assert_eq!(moved, Err(Moved::Basis(vec!["from another cluster file or profile"])));
}

#[tokio::test]
async fn differences_show_texts_and_no_secret_and_leave_the_digest_alone() {
    let kit = Kit::new();
    let compiled = steps(&kit, LINES);
    kit.put("/etc/a", "old\n");
    let bare = plan(&kit, &compiled).await.unwrap();
    let full = bare.clone().with_differences(&compiled, &kit.site(Events::unheard())).await.unwrap();
    assert_eq!(full.digest, bare.digest);
    assert_eq!(covers(&kit, &compiled, &full, &bare), Ok(()), "differences are no part of what is agreed to");
    let of = |step: &str| {
        let (_, found) = full.steps().find(|(_, planned)| planned.step == step).unwrap();
        found.differences.clone()
    };
    let text = |what: &str, before: Option<&str>| Difference::Text {
        what: what.to_owned(),
        before: before.map(str::to_owned),
        after: "new\n".to_owned(),
    };
    assert_eq!(of("a"), [text("/etc/a", Some("old\n"))]);
    assert_eq!(of("b"), [text("/etc/b", None)]);
    assert_eq!(of("key"), [Difference::Hidden { what: "/etc/key".to_owned(), why: "a secret".to_owned() }]);
    assert!(!serde_json::to_string(&full).unwrap().contains("hush"));
}

/// What `plan --out` of the first sealift wrote.
#[test]
fn a_plan_of_the_first_schema_is_read_for_ever() {
    let text = include_str!("plan_v1.json");
    let plan = Plan::read(text).unwrap();
    assert_eq!(
        super::frozen::digest(&plan.basis, &plan.plays, &plan.later).unwrap(),
        plan.digest,
        "it is whole, too"
    );
    assert!(plan.changes() > 5 && plan.verb == "install");
    let later = Plan::read(&text.replacen("\"schema\": 1", "\"schema\": 2", 1)).unwrap_err().to_string();
    assert!(later.contains("schema 2") && later.contains("sealift self-update"), "{later}");
}
