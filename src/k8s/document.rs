//! Manifests: YAML with several documents, as objects.

use std::fmt;

use kube::core::{GroupVersionKind, TypeMeta};
use serde::Deserialize as _;
use serde_json::Value;

use crate::K8sError;

/// What names an object in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// Group and version, e.g. `apps/v1`.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; `None` for kinds without one, and `default` where a kind has one.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

impl ObjectRef {
    /// Names an object.
    pub fn new(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    pub(crate) fn gvk(&self) -> Option<GroupVersionKind> {
        let types = TypeMeta { api_version: self.api_version.clone(), kind: self.kind.clone() };
        GroupVersionKind::try_from(types).ok()
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// One object as it should be.
#[derive(Clone, PartialEq)]
pub struct Document {
    /// Its name.
    pub object: ObjectRef,
    /// Its content, `apiVersion`, `kind` and `metadata` included.
    pub body: Value,
}

impl fmt::Debug for Document {
    /// A Secret is a document too: the content is never shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({})", self.object)
    }
}

/// Splits a manifest into objects. `origin` names it in errors. Empty documents are dropped, `List`s opened.
pub fn documents(text: &str, origin: &str) -> Result<Vec<Document>, K8sError> {
    let mut found = Vec::new();
    for (i, document) in serde_yaml::Deserializer::from_str(text).enumerate() {
        let wrong = |why: String| K8sError::Document { origin: origin.to_owned(), index: i + 1, why };
        let value = serde_yaml::Value::deserialize(document).map_err(|error| wrong(error.to_string()))?;
        let value: Value = serde_json::to_value(value).map_err(|error| wrong(error.to_string()))?;
        open(value, &mut found).map_err(wrong)?;
    }
    Ok(found)
}

fn open(value: Value, found: &mut Vec<Document>) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let kind = text("/kind").ok_or("it has no kind")?;
    let api_version = text("/apiVersion").ok_or("it has no apiVersion")?;
    if kind == "List" {
        let items = value.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        return items.into_iter().try_for_each(|item| open(item, found));
    }
    let name = text("/metadata/name").ok_or_else(|| format!("the {kind} has no metadata.name"))?;
    let object = ObjectRef::new(api_version, kind, text("/metadata/namespace"), name);
    found.push(Document { object, body: value });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::documents;

    #[test]
    fn empty_documents_are_dropped_and_lists_opened() {
        let text = "---\n# nothing\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n\
                    apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: p, namespace: n}}\n";
        let names: Vec<String> = documents(text, "x").unwrap().iter().map(|d| d.object.to_string()).collect();
        assert_eq!(names, ["Namespace a", "Pod n/p"]);
    }

    #[test]
    fn what_has_no_name_is_refused_by_number() {
        let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\nkind: Pod\n";
        assert_eq!(
            documents(text, "x.yaml").unwrap_err().to_string(),
            "reading document 2 of x.yaml: it has no apiVersion"
        );
        assert!(documents("a: [", "x").is_err() && documents("just text", "x").is_err());
        assert!(documents("apiVersion: v1\nkind: Pod\nmetadata: {}\n", "x").is_err());
    }
}
