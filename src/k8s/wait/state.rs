//! What an object's status says about it. Pure: `None` is ready, else a few words.

use serde_json::Value;

fn number(data: &Value, pointer: &str) -> i64 {
    data.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

/// A node is ready when its Ready condition is True.
pub(super) fn node(data: &Value) -> Option<String> {
    let conditions = data.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions.and_then(|all| all.iter().find(|condition| condition["type"] == "Ready"));
    let Some(ready) = ready else { return Some("has reported no condition yet".to_owned()) };
    if ready["status"] == "True" {
        return None;
    }
    let text = |key: &str| ready[key].as_str().unwrap_or_default().to_owned();
    Some(format!("not ready: {} {}", text("reason"), text("message")).trim_end().to_owned())
}

/// The rules of `kubectl rollout status`.
pub(super) fn workload(kind: &str, generation: Option<i64>, data: &Value) -> Option<String> {
    if number(data, "/status/observedGeneration") < generation.unwrap_or(0) {
        return Some("its controller has not seen it yet".to_owned());
    }
    let (wanted, updated, ready) = if kind == "DaemonSet" {
        let wanted = number(data, "/status/desiredNumberScheduled");
        (wanted, number(data, "/status/updatedNumberScheduled"), number(data, "/status/numberAvailable"))
    } else {
        let wanted = data.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
        let available =
            if kind == "StatefulSet" { "/status/readyReplicas" } else { "/status/availableReplicas" };
        (wanted, number(data, "/status/updatedReplicas"), number(data, available))
    };
    if kind == "DaemonSet" && wanted == 0 {
        return Some("no node matches it yet".to_owned());
    }
    if updated < wanted {
        return Some(format!("{updated} of {wanted} pods updated"));
    }
    // pods of the revision before are counted until they are gone
    if kind == "Deployment" && number(data, "/status/replicas") > updated {
        return Some(format!("{} old pods still there", number(data, "/status/replicas") - updated));
    }
    (ready < wanted).then(|| format!("{ready} of {wanted} pods ready"))
}

/// Whether a Service has an address from outside.
pub(super) fn load_balancer(data: &Value) -> bool {
    let ingress = data.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
    ingress.is_some_and(|all| all.iter().any(|one| one["ip"].is_string() || one["hostname"].is_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{load_balancer, node, workload};

    #[test]
    fn a_node_says_why_it_is_not_ready() {
        let of = |status: &str| {
            json!({"status": {"conditions": [{"type": "DiskPressure", "status": "False"},
                {"type": "Ready", "status": status, "reason": "KubeletNotReady", "message": "cni plugin not initialized"}]}})
        };
        assert_eq!(node(&of("True")), None);
        assert_eq!(node(&of("False")).unwrap(), "not ready: KubeletNotReady cni plugin not initialized");
        assert_eq!(node(&of("Unknown")).is_some(), node(&json!({})).is_some());
    }

    #[test]
    fn a_deployment_is_ready_when_its_newest_pods_are_and_the_old_ones_gone() {
        let of = |seen: i64, all: i64, updated: i64, available: i64| {
            let data = json!({"spec": {"replicas": 2}, "status": {"observedGeneration": seen, "replicas": all,
                "updatedReplicas": updated, "availableReplicas": available}});
            workload("Deployment", Some(3), &data)
        };
        assert_eq!(of(3, 2, 2, 2), None);
        assert!(of(2, 2, 2, 2).unwrap().contains("controller"));
        assert_eq!(of(3, 3, 2, 2).unwrap(), "1 old pods still there");
        assert_eq!(of(3, 2, 1, 2).unwrap(), "1 of 2 pods updated");
        assert_eq!(of(3, 2, 2, 1).unwrap(), "1 of 2 pods ready");
    }

    #[test]
    fn a_daemon_set_without_nodes_is_not_ready() {
        let of = |wanted: i64, available: i64| {
            let data = json!({"status": {"observedGeneration": 1, "desiredNumberScheduled": wanted,
                "updatedNumberScheduled": wanted, "numberAvailable": available}});
            workload("DaemonSet", Some(1), &data)
        };
        assert_eq!(of(2, 2), None);
        assert!(of(0, 0).is_some() && of(2, 1).is_some());
    }

    #[test]
    fn a_service_without_ingress_has_no_address() {
        assert!(load_balancer(&json!({"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}})));
        assert!(!load_balancer(&json!({"status": {"loadBalancer": {}}})));
    }
}
