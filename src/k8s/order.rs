//! In which order objects go in, so that each finds what it needs.

use crate::document::Document;

/// Kinds from first to last; kinds that are not here (custom resources) come after all of them.
const KINDS: [&str; 25] = [
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "StorageClass",
    "RuntimeClass",
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodDisruptionBudget",
    "Secret",
    "ConfigMap",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Service",
    "DaemonSet",
    "Deployment",
    "StatefulSet",
    "Job",
    "Pod",
    "ValidatingWebhookConfiguration",
];

/// Sorts by kind; objects of one kind stay in the manifest's order.
pub(crate) fn sorted(documents: &[Document]) -> Vec<&Document> {
    let mut sorted: Vec<&Document> = documents.iter().collect();
    sorted.sort_by_key(|document| {
        KINDS.iter().position(|kind| *kind == document.object.kind).unwrap_or(KINDS.len())
    });
    sorted
}

#[cfg(test)]
mod tests {
    #[test]
    fn namespaces_and_definitions_come_first_and_custom_resources_last() {
        let text = ["IPAddressPool", "Deployment", "CustomResourceDefinition", "ConfigMap", "Namespace"]
            .map(|kind| format!("{{apiVersion: v1, kind: {kind}, metadata: {{name: x}}}}\n"))
            .join("---\n");
        let documents = crate::documents(&text, "x").unwrap();
        let kinds: Vec<&str> = super::sorted(&documents).iter().map(|d| d.object.kind.as_str()).collect();
        assert_eq!(
            kinds,
            ["Namespace", "CustomResourceDefinition", "ConfigMap", "Deployment", "IPAddressPool"]
        );
    }
}
