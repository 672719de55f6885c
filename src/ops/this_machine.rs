//! `ssh: local`: whether this machine is the node that the cluster file takes it for.

use std::net::IpAddr;

use sealift_cluster::{Access, Node};
use sealift_node::{Facts, LocalHost, Probe};

use super::{Exit, Failure};

/// Refuses when a node is `ssh: local` and this machine is another one. There is no host key to prove which it is,
/// so both its name and its address must be right: a file carried to the wrong server must not make that the node.
pub(super) async fn check(nodes: impl Iterator<Item = &Node>) -> anyhow::Result<()> {
    for node in nodes.filter(|node| node.ssh.access == Access::Local) {
        let host = LocalHost::new(node.name.as_str());
        let facts = Probe::new(&host).facts().await?;
        let before = node.network.as_ref().and_then(|network| network.current);
        // until its addresses are set it has another one
        let address = before.filter(|before| addresses(&facts).contains(before)).unwrap_or(node.ssh.address);
        refuse_another(node.name.as_str(), address, &facts)?;
    }
    Ok(())
}

fn refuse_another(name: &str, address: IpAddr, facts: &Facts) -> Result<(), Failure> {
    // a server may be called by its full name
    let called = facts.hostname.split('.').next().unwrap_or_default();
    let here = addresses(facts);
    let (named, addressed) = (called.eq_ignore_ascii_case(name), here.contains(&address));
    if named && addressed {
        return Ok(());
    }
    let list = here.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let message = format!(
        "{name} is `ssh: local` with address {address}: the machine that sealift runs on. But this machine is called \
         {:?} and has the addresses {list}; nothing was changed",
        facts.hostname
    );
    let next = if addressed {
        format!("if this is the right server: hostnamectl set-hostname {name}")
    } else if named {
        format!("give this server its address {address}, or mend it in the cluster file")
    } else {
        format!("run sealift on {name}, or reach it from here: `ssh: {{address: {address}}}`")
    };
    Err(Failure::new(Exit::HostIdentity, message).next(next))
}

/// The addresses that other machines can know this one by.
fn addresses(facts: &Facts) -> Vec<IpAddr> {
    let all = facts.interfaces.iter().flat_map(|interface| &interface.addresses);
    let bare = all.filter_map(|address| address.split('/').next()?.parse::<IpAddr>().ok());
    bare.filter(|address| !address.is_loopback()).collect()
}

#[cfg(test)]
mod tests {
    use sealift_node::{Facts, Interface};

    use super::{Exit, refuse_another};

    fn machine(hostname: &str, addresses: &[&str]) -> Facts {
        let addresses = addresses.iter().map(|&address| address.to_owned()).collect();
        let interfaces = vec![Interface { addresses, ..Interface::default() }];
        Facts { hostname: hostname.to_owned(), interfaces, ..Facts::default() }
    }

    #[test]
    fn another_machine_is_refused_whichever_of_both_is_wrong() {
        let address = "10.77.0.11".parse().unwrap();
        for right in ["cp1", "CP1", "cp1.plant.local"] {
            let facts = machine(right, &["127.0.0.1/8", "fe80::1/64", "10.77.0.11/24"]);
            assert!(refuse_another("cp1", address, &facts).is_ok(), "{right}");
        }
        for (name, has, next) in [
            ("w1", "10.77.0.21/24", "run sealift on cp1"),
            ("cp1", "10.77.0.110/24", "give this server its address"),
            ("debian", "10.77.0.11/24", "hostnamectl set-hostname cp1"),
            ("cp11", "10.77.0.11/24", "hostnamectl set-hostname cp1"),
        ] {
            let failure = refuse_another("cp1", address, &machine(name, &[has])).unwrap_err();
            assert_eq!(failure.exit, Exit::HostIdentity);
            assert!(failure.message.contains(name) && failure.message.contains("nothing was changed"));
            assert!(failure.next.unwrap().contains(next), "{name} {has}");
        }
        let loopback = "127.0.0.1".parse().unwrap();
        assert!(refuse_another("cp1", loopback, &machine("cp1", &["127.0.0.1/8"])).is_err());
    }
}
