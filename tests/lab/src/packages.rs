//! Debian packages the lab stands on.
