//! Which refusals pass by themselves while a cluster comes up.

use crate::K8sError;

/// Whether the same request may succeed in a moment. Server-side apply is idempotent, so a request whose
/// answer was lost may simply be sent again.
pub(crate) fn passes(error: &K8sError) -> bool {
    match error {
        K8sError::Unreachable { .. } | K8sError::UnknownKind { .. } => true,
        K8sError::Refused { code, message, .. } => {
            // a webhook whose pod does not run yet answers 500 "failed calling webhook ... connection refused"
            matches!(code, 408 | 409 | 429 | 500 | 502 | 503 | 504)
                || message.contains("failed calling webhook")
                // the namespace's default service account, or the namespace in the API server's cache, a moment late
                || (*code == 403 && message.contains("not yet ready to handle request"))
                || (*code == 404 && message.contains("namespaces") && message.contains("not found"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::passes;
    use crate::K8sError;

    fn refused(code: u16, message: &str) -> K8sError {
        K8sError::Refused { doing: String::new(), code, reason: String::new(), message: message.to_owned() }
    }

    #[test]
    fn only_what_passes_by_itself_is_tried_again() {
        let hook = "Internal error occurred: failed calling webhook \"x\": connect: connection refused";
        assert!(passes(&refused(500, hook)) && passes(&refused(503, "")) && passes(&refused(429, "")));
        assert!(passes(&refused(404, "namespaces \"metallb-system\" not found")));
        for (code, message) in
            [(422, "spec.x: Invalid value"), (403, "forbidden"), (401, ""), (400, "denied the request")]
        {
            assert!(!passes(&refused(code, message)), "{code} {message}");
        }
    }
}
