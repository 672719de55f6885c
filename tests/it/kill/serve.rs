//! A workload on a finished cluster: it runs, gets an address and answers, and is taken away again.

use std::fs;
use std::time::{Duration, Instant};

use super::super::kit::demo_file_in;
use super::super::place::Place;

pub(super) fn answers(place: &Place) {
    let file = place.scene().dir().join("web.yaml");
    fs::write(&file, demo_file_in("web.yaml", "10.82.0")).unwrap();
    let file = file.to_str().unwrap();
    place.kubectl(&["apply", "-f", file]).expect(0);
    place.kubectl(&["rollout", "status", "deployment/web", "--timeout=240s"]).expect(0);
    let began = Instant::now();
    let code = loop {
        let path = "jsonpath={.status.loadBalancer.ingress[0].ip}";
        let address = place.kubectl(&["get", "service", "web", "-o", path]).stdout;
        let url = format!("http://{address}/hostname");
        let ask = ["-sS", "-m", "3", "-o", "/dev/null", "-w", "%{http_code}", &url];
        let said = place.operator("curl", &ask).output().unwrap();
        let code = String::from_utf8(said.stdout).unwrap();
        if code == "200" || began.elapsed() > Duration::from_mins(3) {
            break code;
        }
        std::thread::sleep(Duration::from_millis(300));
    };
    assert_eq!(code, "200", "the web workload does not answer");
    place.kubectl(&["delete", "-f", file, "--wait=true", "--timeout=180s"]).expect(0);
}
