//! sealift: a Kubernetes AI platform onto bare servers, offline.
fn main() {}
