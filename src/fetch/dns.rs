//! Names to addresses without the C library: a static binary's getaddrinfo works on no other machine.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use hickory_resolver::TokioResolver;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Asks the servers of `/etc/resolv.conf`, after `/etc/hosts`. With neither it fails: it never falls back
/// to a public server, as reqwest's own use of the same library would.
#[derive(Debug, Clone, Default)]
pub(crate) struct SystemDns {
    resolver: Arc<OnceLock<TokioResolver>>,
}

impl Resolve for SystemDns {
    fn resolve(&self, name: Name) -> Resolving {
        let cell = Arc::clone(&self.resolver);
        Box::pin(async move {
            if name.as_str() == "localhost" {
                let addresses = [[127, 0, 0, 1].into()].map(|ip: std::net::IpAddr| SocketAddr::new(ip, 0));
                return Ok(Box::new(addresses.into_iter()) as Addrs);
            }
            let resolver = if let Some(resolver) = cell.get() {
                resolver.clone()
            } else {
                let fresh = TokioResolver::builder_tokio()?.build()?;
                cell.get_or_init(|| fresh).clone()
            };
            let found: Vec<_> = resolver.lookup_ip(name.as_str()).await?.iter().collect();
            Ok(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}
