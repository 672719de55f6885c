//! Which images Kubernetes objects name.

use serde::Deserialize as _;
use serde_yaml::Value;

/// An image and the object that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundImage {
    /// `Kind/name`.
    pub object: String,
    /// As it stands there.
    pub image: String,
}

/// Where containers stand in a pod's specification, wherever that itself stands: in a Deployment's template, a
/// `CronJob`'s job, or some custom resource.
const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Finds all images in a text of YAML documents, each once per object.
pub fn images_of(text: &str) -> Result<Vec<FoundImage>, String> {
    let mut found = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let value = Value::deserialize(document).map_err(|error| error.to_string())?;
        match value {
            Value::Null => {}
            Value::Mapping(ref fields) if fields.contains_key("kind") => object(&value, &mut found),
            _ => return Err("a document in it is not an object".into()),
        }
    }
    Ok(found)
}

fn object(value: &Value, found: &mut Vec<FoundImage>) {
    if let (Some(kind), Some(Value::Sequence(items))) =
        (value.get("kind").and_then(Value::as_str), value.get("items"))
        && kind.ends_with("List")
    {
        for item in items {
            object(item, found);
        }
        return;
    }
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("?").to_owned();
    let name = value.get("metadata").and_then(|metadata| metadata.get("name"));
    let object = format!("{}/{}", text(value.get("kind")), text(name));
    walk(value, &object, found);
}

fn walk(value: &Value, object: &str, found: &mut Vec<FoundImage>) {
    match value {
        Value::Mapping(fields) => {
            for (key, inner) in fields {
                if key.as_str().is_some_and(|key| CONTAINERS.contains(&key)) {
                    containers(inner, object, found);
                }
                walk(inner, object, found);
            }
        }
        Value::Sequence(items) => {
            for item in items {
                walk(item, object, found);
            }
        }
        _ => {}
    }
}

fn containers(value: &Value, object: &str, found: &mut Vec<FoundImage>) {
    for container in value.as_sequence().into_iter().flatten() {
        if let Some(image) = container.get("image").and_then(Value::as_str) {
            let one = FoundImage { object: object.to_owned(), image: image.to_owned() };
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::images_of;

    const TEXT: &str = r"
---
# only a comment
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: controller}
spec:
  template:
    spec:
      initContainers: [{name: init, image: quay.io/a/init:1}]
      containers:
        - {name: a, image: quay.io/a/b:1}
        - {name: again, image: quay.io/a/b:1}
---
kind: CustomResourceDefinition
metadata: {name: things}
spec: {schema: {properties: {containers: {type: array}, image: {type: string}}}}
---
kind: List
items:
  - kind: CronJob
    metadata: {name: nightly}
    spec: {jobTemplate: {spec: {template: {spec: {containers: [{image: nginx}]}}}}}
";

    #[test]
    fn finds_them_wherever_a_pod_is_described() {
        let found: Vec<String> = images_of(TEXT)
            .expect("reads")
            .into_iter()
            .map(|f| format!("{} {}", f.object, f.image))
            .collect();
        assert_eq!(
            found,
            [
                "Deployment/controller quay.io/a/init:1",
                "Deployment/controller quay.io/a/b:1",
                "CronJob/nightly nginx"
            ]
        );
    }

    #[test]
    fn what_is_not_objects_is_not_taken_for_empty() {
        assert!(images_of("Error: could not find template").is_err());
        assert!(images_of("{{ .Values.x }}: [").is_err());
        assert_eq!(images_of("").expect("reads"), []);
    }
}
