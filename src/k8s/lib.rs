//! The Kubernetes API over any byte stream: reading, applying, waiting.
//!
//! A [`Reader`] can get and list and nothing else: it is what a plan is given. A [`Writer`] adds
//! server-side apply, patch and delete.

mod connect;
mod document;
mod error;
mod kubeconfig;
mod order;
mod reader;
mod retry;
mod same;
mod wait;
mod writer;

pub use connect::Api;
pub use document::{Document, ObjectRef, documents};
pub use error::K8sError;
pub use kubeconfig::{Credentials, Pem};
pub use reader::{Reader, Seen};
pub use same::FieldDifference;
pub use wait::{Stuck, Target};
pub use writer::{Applied, Outcome, Writer};
