use super::{Playbook, Steps};
use crate::embedded;

#[test]
fn every_embedded_playbook_parses_and_is_named_after_its_file() {
    let names: Vec<&str> = embedded::playbooks().collect();
    assert!(names.contains(&"install") && names.contains(&"reset"), "{names:?}");
    for name in names {
        assert_eq!(Playbook::embedded(name).unwrap().name, name);
    }
}

#[test]
fn every_template_a_playbook_names_is_there() {
    fn named(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(map) => {
                map.iter().for_each(|(key, value)| match (key.as_str(), value.as_str()) {
                    ("template", Some(name)) => found.push(name.to_owned()),
                    ("drop_ins", _) => found.extend(
                        value
                            .as_object()
                            .into_iter()
                            .flatten()
                            .filter_map(|(_, v)| v.as_str().map(str::to_owned)),
                    ),
                    _ => named(value, found),
                });
            }
            serde_json::Value::Array(list) => list.iter().for_each(|value| named(value, found)),
            _ => {}
        }
    }
    let mut names = vec![];
    for playbook in embedded::playbooks() {
        named(&serde_json::to_value(Playbook::embedded(playbook).unwrap()).unwrap(), &mut names);
    }
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        assert!(embedded::templates().any(|(known, _)| known == name), "there is no templates/{name}");
    }
}

/// Where the lab's kernel has it built in, only this and the emulated machine see that it is asked for.
#[test]
fn the_install_asks_the_kernel_for_what_flanneld_looks_for() {
    let playbook = serde_json::to_value(Playbook::embedded("install").unwrap()).unwrap().to_string();
    let path = "/proc/sys/net/bridge/bridge-nf-call-iptables";
    assert!(playbook.contains(&format!(r#""name":"br_netfilter","path":"{path}""#)), "{playbook}");
}

#[test]
fn a_step_keeps_what_it_says() {
    let text = r#"
name: t
plays:
  - name: prepare
    on: all
    steps:
      - {name: a, file: {path: /etc/a, content: "x", mode: "0600"}}
      - {name: b, when: load-balancer, disruptive: true, after: a, why: "it must", directory: {path: /etc/b}}
  - name: cluster
    on: cluster
    steps:
      - {name: wait, after: b, wait: {}}
"#;
    let playbook = Playbook::parse(text, "t").unwrap();
    let Steps::Node(steps) = &playbook.plays[0].steps else { panic!("not node steps") };
    assert_eq!(steps[0].step.kind(), "file");
    assert!(!steps[0].disruptive && steps[0].after.is_none());
    assert!(steps[1].disruptive);
    assert_eq!((steps[1].after.as_deref(), steps[1].why.as_deref()), (Some("a"), Some("it must")));
    assert!(matches!(&playbook.plays[1].steps, Steps::Cluster(steps) if steps[0].step.kind() == "wait"));
}

#[test]
fn refuses_what_makes_no_sense_and_says_where() {
    let play =
        |on: &str, steps: &str| format!("name: t\nplays:\n- {{name: p, on: {on}, steps: [{steps}]}}\n");
    for (text, fragment) in [
        (play("all", "{file: {path: /a, content: x}}"), "a step has no name"),
        (play("all", "{name: s}"), "step 's': want exactly one of network, file, directory"),
        (play("all", "{name: s, file: {path: /a}, directory: {path: /b}}"), "found file, directory"),
        (play("all", "{name: s, flie: {path: /a}}"), "found flie"),
        (play("all", "{name: s, file: {path: /a, contents: x}}"), "unknown field `contents`"),
        (play("all", "{name: s, file: {path: /a, mode: 420}}"), "invalid type: integer"),
        (play("all", "{name: s, file: {path: /a, mode: '4755'}}"), "is no mode"),
        (
            play("all", "{name: s, when: sometimes, directory: {path: /a}}"),
            "step 's': when: unknown variant `sometimes`",
        ),
        (
            play("all", "{name: s, after: t, directory: {path: /a}}"),
            "comes after 't', which is no earlier step",
        ),
        (
            play("all", "{name: s, directory: {path: /a}}, {name: s, directory: {path: /b}}"),
            "two steps named 's'",
        ),
        (play("all", "{name: s, wait: {}}"), "found wait"),
        (
            play("cluster", "{name: s, directory: {path: /a}}"),
            "play 'p': step 's': want exactly one of manifest",
        ),
        (play("everywhere", ""), "unknown variant `everywhere`"),
        ("name: t\nplays: []\nvars: {}\n".to_owned(), "unknown field `vars`"),
        (
            "name: t\nplays: [{name: p, on: all, steps: []}, {name: p, on: all, steps: []}]\n".to_owned(),
            "two plays are named 'p'",
        ),
    ] {
        let error = Playbook::parse(&text, "t").unwrap_err();
        let said = format!("{error}");
        assert!(said.contains(fragment), "{text}\nsaid: {said}\nwant: {fragment}");
    }
}
