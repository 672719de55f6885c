//! The same for several things at once.

use anyhow::{Result, bail};

/// Does one thing for each at once; all are waited for, the first error is returned.
pub(crate) fn in_parallel<T: Send, R: Send>(
    items: impl Iterator<Item = T>,
    act: impl Fn(T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let act = &act;
    std::thread::scope(|threads| {
        let running: Vec<_> = items.map(|item| threads.spawn(move || act(item))).collect();
        // all of them first: an error must not leave the others unheard
        let ends: Vec<_> = running
            .into_iter()
            .map(|one| one.join().unwrap_or_else(|_| bail!("a thread of the lab panicked")))
            .collect();
        ends.into_iter().collect()
    })
}
