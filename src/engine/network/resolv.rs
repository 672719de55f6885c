//! Name servers where nothing but `/etc/resolv.conf` says them.

use std::net::IpAddr;

/// The file.
pub(crate) const PATH: &str = "/etc/resolv.conf";

/// The text with these name servers in place of its own; every other line stays.
pub(crate) fn with_servers(text: &str, servers: &[IpAddr]) -> String {
    let ours = servers.iter().map(|server| format!("nameserver {server}\n"));
    let theirs = text.lines().filter(|line| line.split_whitespace().next() != Some("nameserver"));
    ours.chain(theirs.map(|line| format!("{line}\n"))).collect()
}

#[cfg(test)]
mod tests {
    use super::with_servers;

    #[test]
    fn servers_are_replaced_and_the_rest_stays() {
        let servers = ["10.77.0.53".parse().unwrap(), "fd00::53".parse().unwrap()];
        let text = with_servers("# a\nnameserver 1.1.1.1\nsearch plant.local\n nameserver 2.2.2.2", &servers);
        assert_eq!(text, "nameserver 10.77.0.53\nnameserver fd00::53\n# a\nsearch plant.local\n");
        assert_eq!(with_servers(&text, &servers), text);
    }
}
