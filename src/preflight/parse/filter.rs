//! The packet filter's chains, as nft(8) or iptables-save(8) tells them.

use serde_json::Value;

/// A chain. Only a base chain has a hook and a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Family and name of its table, e.g. `ip filter`.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Where packets meet it: `input`, `forward`, ...
    pub hook: Option<String>,
    /// Whether what no rule decides is dropped.
    pub drops: bool,
}

/// All chains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In the order told.
    pub chains: Vec<Chain>,
}

impl Filter {
    /// Reads what either program printed.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.trim_start().starts_with('{') { Self::nft(text) } else { Ok(Self::iptables(text)) }
    }

    fn nft(text: &str) -> Result<Self, String> {
        let document: Value =
            serde_json::from_str(text).map_err(|error| format!("reading nft's answer: {error}"))?;
        let list = document["nftables"].as_array().ok_or("nft's answer has no list")?;
        let chains = list.iter().filter_map(|entry| {
            let chain = entry.get("chain")?;
            let word = |key: &str| chain[key].as_str().map(str::to_owned);
            Some(Chain {
                table: format!("{} {}", word("family")?, word("table")?),
                name: word("name")?,
                hook: word("hook"),
                drops: chain["policy"] == "drop",
            })
        });
        Ok(Self { chains: chains.collect() })
    }

    fn iptables(text: &str) -> Self {
        let (mut table, mut chains) = (String::new(), vec![]);
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('*') {
                table = format!("ip {name}");
            } else if let Some((name, rest)) = line.strip_prefix(':').and_then(|line| line.split_once(' ')) {
                let policy = rest.split(' ').next().unwrap_or_default();
                let hook = (policy != "-").then(|| name.to_lowercase());
                let (table, name) = (table.clone(), name.to_owned());
                chains.push(Chain { table, name, hook, drops: policy == "DROP" });
            }
        }
        Self { chains }
    }

    /// Chains at a hook that drop what no rule decides.
    pub(crate) fn dropping(&self, hook: &str) -> Vec<String> {
        let drops = self.chains.iter().filter(|chain| chain.drops && chain.hook.as_deref() == Some(hook));
        drops.map(|chain| format!("chain {} of table {} drops by policy", chain.name, chain.table)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Filter;

    #[test]
    fn both_programs_say_the_same() {
        let nft = r#"{"nftables":[{"metainfo":{}},{"table":{"family":"ip","name":"filter"}},
            {"chain":{"family":"ip","table":"filter","name":"FORWARD","type":"filter","hook":"forward","prio":0,"policy":"drop"}},
            {"chain":{"family":"ip","table":"filter","name":"KUBE-X"}}]}"#;
        let save =
            "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:KUBE-X - [0:0]\n-A FORWARD -j X\nCOMMIT\n";
        for text in [nft, save] {
            let filter = Filter::parse(text).unwrap();
            assert_eq!(filter.dropping("forward"), ["chain FORWARD of table ip filter drops by policy"]);
            assert_eq!(filter.dropping("input"), Vec::<String>::new());
            assert!(filter.chains.iter().any(|chain| chain.name == "KUBE-X" && chain.hook.is_none()));
        }
        assert!(Filter::parse("{ cut").is_err());
    }
}
