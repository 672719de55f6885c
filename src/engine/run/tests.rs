use crate::testkit::{Kit, compiled, go, plan, run, steps};
use crate::{
    Certainty, Event, Events, Journal, NewChanges, Outcome, Run, RunError, RunOptions, StepError, Stop,
};

const STORY: &str = r#"
name: t
plays:
  - name: prepare
    on: all
    steps:
      - {name: directory, directory: {path: /etc/app, mode: "0750"}}
      - {name: file, why: "the app reads it", file: {path: /etc/app/conf, content: "a=1\n"}}
      - {name: old file, remove: {paths: [/etc/old, /etc/never]}}
      - {name: names, hosts: {}}
  - name: control plane
    on: first-control-plane
    steps:
      - {name: secret, file: {path: /etc/app/key, content: "k", secret: true}}
"#;

#[tokio::test]
async fn two_nodes_from_nothing_to_done_and_again() {
    let kit = Kit::new();
    kit.put("/etc/old", "x");
    kit.put("/etc/hosts", "127.0.0.1 localhost\n");
    let story = compiled(&kit, STORY);
    let plan = plan(&kit, &story).await.unwrap();
    assert_eq!((plan.changes(), plan.observed), (2 * 4 + 1, 9));
    assert!(!kit.path("cp1", "/etc/app").exists(), "a plan changes nothing");
    let reasons: Vec<&str> =
        plan.steps().filter(|(_, s)| s.step == "file").map(|(_, s)| s.changes[0].reason.as_str()).collect();
    assert_eq!(reasons, ["the app reads it"; 2]);

    let (events, journal) = kit.journal();
    let site = kit.site(events);
    let report = Run { compiled: &story, plan: &plan, site: &site, options: RunOptions::default() }
        .execute()
        .await
        .unwrap();
    assert_eq!((report.changes, report.steps.len()), (9, 9));
    assert_eq!(kit.read("w1", "/etc/app/conf"), "a=1\n");
    assert!(!kit.path("w1", "/etc/old").exists());
    assert!(kit.read("w1", "/etc/hosts").contains("10.77.0.11 cp1"));
    assert!(!kit.path("w1", "/etc/app/key").exists() && kit.path("cp1", "/etc/app/key").exists());

    let journal = Journal::parse(&std::fs::read_to_string(journal).unwrap()).unwrap();
    assert!(
        matches!(&journal[0].event, Event::RunStarted { plan: digest, changes: 9, .. } if *digest == plan.digest)
    );
    assert!(matches!(&journal.last().unwrap().event, Event::RunFinished { ok: true, changes: 9, .. }));
    let changed = journal.iter().filter(|r| matches!(r.event, Event::StepChange { .. })).count();
    assert_eq!(changed, 9, "every change is in the journal before it is made");

    let (second, result, records) = go(&kit, &story).await;
    assert!(second.is_empty() && second.digest != plan.digest);
    assert_eq!(result.unwrap().changes, 0);
    let outcomes = records
        .iter()
        .filter_map(|r| if let Event::StepFinished { outcome, .. } = r.event { Some(outcome) } else { None });
    assert!(outcomes.into_iter().all(|outcome| outcome == Outcome::Unchanged));
}

#[tokio::test]
async fn a_plan_is_the_same_until_something_differs() {
    let kit = Kit::new();
    let story = compiled(&kit, STORY);
    let one = plan(&kit, &story).await.unwrap();
    assert_eq!(one, plan(&kit, &story).await.unwrap());
    kit.put_on("w1", "/etc/old", "x");
    assert_ne!(one.digest, plan(&kit, &story).await.unwrap().digest);
    let read: crate::Plan = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
    assert_eq!(read, one);
}

#[tokio::test]
async fn a_failed_node_stops_itself_and_later_plays_but_not_its_neighbours() {
    let kit = Kit::new();
    let story = compiled(&kit, STORY);
    let plan = plan(&kit, &story).await.unwrap();
    // between plan and run somebody puts a directory where the file goes
    std::fs::create_dir_all(kit.path("w1", "/etc/app/conf")).unwrap();
    let (result, records) = run(&kit, &story, &plan, RunOptions::default()).await;
    let Err(RunError::Failed { failures, state, report }) = result else { panic!("{result:?}") };
    assert_eq!(failures.len(), 1);
    assert_eq!((failures[0].node.as_str(), failures[0].step.as_str()), ("w1", "file"));
    assert!(state.contains("'prepare'") && state.contains("cp1 finished it"), "{state}");
    assert!(kit.read("cp1", "/etc/hosts").contains("api"), "cp1 went on to the end of the play");
    assert!(!kit.path("w1", "/etc/hosts").exists(), "w1 did not");
    assert!(!kit.path("cp1", "/etc/app/key").exists(), "the next play was not begun");
    assert!(report.steps.iter().any(|step| step.node == "cp1" && step.changes == 1));
    assert!(matches!(
        &records.last().unwrap().event,
        Event::RunFinished { ok: false, interrupted: false, .. }
    ));

    std::fs::remove_dir(kit.path("w1", "/etc/app/conf")).unwrap();
    let (_, result, _) = go(&kit, &story).await;
    assert!(result.is_ok(), "the same again converges: {result:?}");
}

#[tokio::test]
async fn what_was_not_in_the_plan_is_not_done() {
    let kit = Kit::new();
    let story = compiled(&kit, STORY);
    go(&kit, &story).await.1.unwrap();
    let empty = plan(&kit, &story).await.unwrap();
    kit.put_on("w1", "/etc/app/conf", "drift");
    let (result, _) = run(&kit, &story, &empty, RunOptions::default()).await;
    let Err(RunError::Failed { failures, .. }) = result else { panic!("{result:?}") };
    assert!(matches!(&failures[0].error, StepError::Unplanned { fresh } if fresh[0].what == "/etc/app/conf"));
    assert_eq!(kit.read("w1", "/etc/app/conf"), "drift");

    let options = RunOptions { new_changes: NewChanges::Accept, ..RunOptions::default() };
    assert_eq!(run(&kit, &story, &empty, options).await.0.unwrap().changes, 1);
    assert_eq!(kit.read("w1", "/etc/app/conf"), "a=1\n");
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_stops_it_before_the_first_change() {
    let kit = Kit::new();
    let story = compiled(&kit, STORY);
    let plan = plan(&kit, &story).await.unwrap();
    let site = kit.site(Events::new(None, Some(Journal::full())));
    let run = Run { compiled: &story, plan: &plan, site: &site, options: RunOptions::default() };
    let Err(RunError::Journal(error)) = run.execute().await else { panic!("it went on unrecorded") };
    assert!(error.to_string().contains("/dev/full"), "{error}");
    for node in ["cp1", "w1"] {
        assert!(!kit.path(node, "/etc/app").exists(), "{node}");
    }
}

#[tokio::test]
async fn asked_to_stop_it_ends_between_steps() {
    let kit = Kit::new();
    let story = compiled(&kit, STORY);
    let plan = plan(&kit, &story).await.unwrap();
    let stop = Stop::new();
    stop.ask("SIGINT");
    let (events, journal) = kit.journal();
    let site = kit.site(events).stopped_by(&stop);
    let run = Run { compiled: &story, plan: &plan, site: &site, options: RunOptions::default() };
    let Err(RunError::Interrupted { state, .. }) = run.execute().await else { panic!("it went on") };
    assert!(state.contains("'prepare': cp1 before its first step, w1 before"), "{state}");
    assert!(!kit.path("cp1", "/etc/app").exists());
    let records = Journal::parse(&std::fs::read_to_string(journal).unwrap()).unwrap();
    let told = records.iter().filter(|record| matches!(record.event, Event::StopAsked { .. })).count();
    assert_eq!(told, 1, "told once that it was asked");
    assert!(matches!(
        &records.last().unwrap().event,
        Event::RunFinished { ok: false, interrupted: true, .. }
    ));
}

/// `net.bridge` appears with its module; the fixture's module is a file that a `program` step makes.
#[tokio::test]
async fn what_cannot_be_asked_yet_is_planned_after_what_makes_it_possible() {
    let kit = Kit::new();
    let after = r#"{name: bridge, after: load, sysctl: {values: {net.bridge.x: "1"}}}"#;
    let load = r#"{name: load, file: {path: /proc/sys/net/bridge/x, content: "1"}}"#;
    let plan_of = steps(&kit, &[load, after]);
    let plan = plan(&kit, &plan_of).await.unwrap();
    let bridge: Vec<_> = plan.steps().filter(|(_, step)| step.step == "bridge").collect();
    assert_eq!(bridge.len(), 2);
    assert!(bridge.iter().all(|(_, step)| step.certainty == Certainty::After("load".into())));
    // the run finds less than was expected (the value is right already), which is fine
    run(&kit, &plan_of, &plan, RunOptions::default()).await.0.unwrap();

    let kit = Kit::new();
    let alone = steps(&kit, &[r#"{name: bridge, sysctl: {values: {net.bridge.x: "1"}}}"#]);
    let error = crate::testkit::plan(&kit, &alone).await.unwrap_err().to_string();
    assert!(
        error.contains("cp1: step 'bridge'") && error.contains("w1: step 'bridge'"),
        "all nodes are told: {error}"
    );
    assert!(error.contains("this kernel has no net.bridge.x"), "{error}");
}
