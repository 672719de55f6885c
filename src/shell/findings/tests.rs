use sealift_cluster::Cluster;
use sealift_node::HostError;
use sealift_preflight::{Report, Selection, Site};

use super::{block, gaps, groups, preflight_html, verdict};
use crate::ops::PreflightDocument;
use crate::shell::Shell;

const FILE: &str = "\
apiVersion: sealift.dev/v1
kind: Cluster
metadata: {name: plant-7}
spec: {nodes: [{name: cp1, role: control-plane, ssh: {address: 10.77.0.11}}]}
";

fn lost(why: &str) -> HostError {
    let (host, address) = ("cp1".to_owned(), "10.77.0.11:22".to_owned());
    HostError::Unreachable { host, address, kind: sealift_node::Unreached::Silent, why: why.to_owned() }
}

fn with<T>(why: &str, look: impl FnOnce(&Cluster, &Report) -> T) -> T {
    let cluster = Cluster::parse(FILE, "c", None).unwrap();
    let nodes = vec![(cluster.first_control_plane(), Err(lost(why)))];
    let report = Report::of(&Site { cluster: &cluster, nodes, offer: None }, &Selection::default(), true);
    look(&cluster, &report)
}

#[test]
fn a_finding_fits_the_line_and_does_not_steer_the_terminal() {
    let shell = Shell::new(false, false);
    with("\u{1b}[2J no answer within 8 s", |_, report| {
        let groups = groups(report);
        let text: String = groups.iter().map(|group| block(&shell, group) + "\n").collect();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(
            !text.contains('\u{1b}') && text.contains("ssh-silent") && text.contains("next: switch"),
            "{text}"
        );
        let gaps = gaps(report);
        assert!(gaps.iter().any(|(place, _, checks)| *place == "cp1" && checks.len() > 70), "{gaps:?}");
        assert!(verdict(&shell, report).ends_with("install would refuse"));
    });
}

#[test]
fn the_page_is_whole_and_escaped() {
    let page = with("<script>alert(1)</script> & no answer", |cluster, report| {
        let errors = [("cp1".to_owned(), lost("x"))];
        preflight_html(&PreflightDocument::of(cluster, &errors, report)).unwrap()
    });
    assert!(page.ends_with("</html>") && page.contains("plant-7") && page.contains("ssh-silent"), "{page}");
    assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{page}");
    assert!(page.contains("default-src 'none'") && !page.contains("http://") && !page.contains("https://"));
}
