//! What is tried rather than read.

mod arp;
mod frames;
mod listen;
mod ping;
mod reach;
mod sync;

use super::LocalHost;
use crate::{HostError, Measure, Measured};

impl LocalHost {
    pub(super) async fn measured(&self, measure: Measure) -> Result<Measured, HostError> {
        let what = measure.what();
        match measure {
            Measure::Sync { dir } => self.blocking(what, move |host| host.sync(&dir)).await,
            Measure::Listen { ports, token, seconds } => Ok(listen::listen(&ports, &token, seconds).await),
            Measure::Reach { address, ports, token } => Ok(reach::reach(address, &ports, &token).await),
            Measure::Rate { address, port, token } => {
                let rate = reach::rate(address, port, &token).await;
                rate.map_err(|error| HostError::refused(&self.name, what, error))
            }
            Measure::Ping { address, sizes } => {
                self.blocking(what, move |host| host.ping(address, &sizes)).await
            }
            Measure::Arp { addresses } => self.blocking(what, move |host| host.arp(&addresses)).await,
        }
    }
}
