//! Why something is not ready: its pods, what their containers wait for, their last warnings.

use kube::api::DynamicObject;
use serde_json::Value;

use super::{Stuck, Target};
use crate::Reader;

impl Reader {
    /// Adds reasons to what is stuck. What cannot be found out is left away: there is an error to tell already.
    pub(super) async fn explain(&self, mut stuck: Vec<Stuck>, targets: &[Target]) -> Vec<Stuck> {
        for target in targets {
            let Target::Workload(object) = target else { continue };
            let Some(one) = stuck.iter_mut().find(|one| one.what == object.to_string()) else { continue };
            let namespace = object.namespace.as_deref();
            let Ok(Some(live)) = self.get(object).await else { continue };
            let pods = self.list("v1", "Pod", namespace, &selector(&live.data)).await.unwrap_or_default();
            let events = self.list("v1", "Event", namespace, "").await.unwrap_or_default();
            one.reasons = pods.iter().flat_map(|pod| reasons(pod, &events)).collect();
            if pods.is_empty() {
                one.reasons = last_warning(&object.name, &events).into_iter().collect();
            }
        }
        stuck
    }
}

/// A workload's `matchLabels` as a selector.
fn selector(data: &Value) -> String {
    let labels = data.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let pairs =
        labels.into_iter().flatten().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
    pairs.collect::<Vec<_>>().join(",")
}

/// Why a pod is not ready; empty when it is.
fn reasons(pod: &DynamicObject, events: &[DynamicObject]) -> Vec<String> {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let node = pod.data.pointer("/spec/nodeName").and_then(Value::as_str).unwrap_or("no node yet");
    let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let statuses = statuses.iter().filter_map(|pointer| pod.data.pointer(pointer)?.as_array()).flatten();
    let mut found: Vec<String> = statuses.filter_map(container).collect();
    let conditions = pod.data.pointer("/status/conditions").and_then(Value::as_array);
    let ready =
        conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Ready" && one["status"] == "True"));
    if ready {
        return Vec::new();
    }
    if found.is_empty() {
        let phase = pod.data.pointer("/status/phase").and_then(Value::as_str).unwrap_or("Unknown");
        found.push(format!("phase {phase}"));
    }
    found.extend(last_warning(name, events));
    found.into_iter().map(|reason| format!("pod {name} ({node}): {reason}")).collect()
}

/// What one container waits for, or how it ended.
fn container(status: &Value) -> Option<String> {
    let name = status["name"].as_str()?;
    if status["ready"] == true {
        return None;
    }
    let say = |state: &Value, verb: &str| {
        let reason = state["reason"].as_str().unwrap_or("no reason given");
        let message = state["message"].as_str().map(|text| format!(": {}", cut(text))).unwrap_or_default();
        format!("container {name} {verb} {reason}{message}")
    };
    if let Some(waiting) = status.pointer("/state/waiting") {
        let mut text = say(waiting, "waits:");
        // CrashLoopBackOff says nothing; the end before it does
        if let Some(last) = status.pointer("/lastState/terminated") {
            text = format!("{text}; last ended with {}", last["exitCode"]);
        }
        return Some(text);
    }
    if let Some(ended) = status.pointer("/state/terminated").filter(|ended| ended["exitCode"] != 0) {
        return Some(format!("{} (exit {})", say(ended, "ended:"), ended["exitCode"]));
    }
    status.pointer("/state/running").map(|_| format!("container {name} runs but is not ready"))
}

/// The newest warning about an object.
fn last_warning(name: &str, events: &[DynamicObject]) -> Option<String> {
    let about = |event: &&DynamicObject| {
        event.data.pointer("/involvedObject/name").and_then(Value::as_str) == Some(name)
            && event.data.get("type").and_then(Value::as_str) == Some("Warning")
    };
    let time = |event: &&DynamicObject| {
        let text = |key: &str| event.data.get(key).and_then(Value::as_str).map(str::to_owned);
        text("lastTimestamp").or_else(|| text("eventTime")).unwrap_or_default()
    };
    let last = events.iter().filter(about).max_by_key(time)?;
    let text = |key: &str| last.data.get(key).and_then(Value::as_str).unwrap_or_default();
    Some(format!("last warning: {}: {}", text("reason"), cut(text("message"))))
}

/// One line, at most 300 characters.
fn cut(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use kube::api::DynamicObject;
    use serde_json::{Value, json};

    fn object(value: Value) -> DynamicObject {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_pod_that_cannot_get_its_image_says_which() {
        let pod = object(json!({"metadata": {"name": "web-1"}, "spec": {"nodeName": "w1"}, "status": {
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [{"name": "web", "ready": false, "state": {"waiting": {
                "reason": "ErrImagePull", "message": "not found:\n  docker.io/x"}}}]}}));
        let event = |stamp: &str, reason: &str| {
            object(json!({"metadata": {"name": stamp}, "type": "Warning", "reason": reason, "message": "m",
                "lastTimestamp": stamp, "involvedObject": {"name": "web-1"}}))
        };
        let events = [event("2026-01-02T00:00:00Z", "Newest"), event("2026-01-01T00:00:00Z", "Older")];
        assert_eq!(
            super::reasons(&pod, &events),
            [
                "pod web-1 (w1): container web waits: ErrImagePull: not found: docker.io/x",
                "pod web-1 (w1): last warning: Newest: m"
            ]
        );
    }

    #[test]
    fn a_ready_pod_has_no_reasons_though_it_was_warned_about_once() {
        let pod = object(
            json!({"metadata": {"name": "p"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
        );
        assert!(super::reasons(&pod, &[]).is_empty());
    }

    #[test]
    fn labels_become_a_selector() {
        let data =
            json!({"spec": {"selector": {"matchLabels": {"app": "metallb", "component": "controller"}}}});
        assert_eq!(super::selector(&data), "app=metallb,component=controller");
    }
}
