//! Where progress is reported: libraries count, the terminal draws.

/// Takes the bytes that some work has got done, as it gets them done. Called from several threads.
pub trait Meter: Send + Sync {
    /// `bytes` more are done.
    fn add(&self, bytes: u64);
}

/// Nobody is looking.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMeter;

impl Meter for NoMeter {
    fn add(&self, _bytes: u64) {}
}

impl Meter for std::sync::atomic::AtomicU64 {
    fn add(&self, bytes: u64) {
        self.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    }
}
