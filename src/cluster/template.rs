//! The commented file that `sealift init` writes.

use crate::name::Label;

/// A cluster file for a small site, every field explained, that parses as it stands.
pub fn template(name: &Label) -> String {
    include_str!("template.yaml").replace("NAME", name.as_str())
}

#[cfg(test)]
mod tests {
    use crate::Cluster;

    #[test]
    fn the_template_parses_itself() {
        let text = super::template(&"plant-7".parse().unwrap());
        let cluster =
            Cluster::parse(&text, "cluster.yaml", None).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(cluster.name().as_str(), "plant-7");
        assert_eq!(cluster.nodes().len(), 2);
        assert_eq!(cluster.not_yet(), None, "what init writes can be installed");
    }

    #[test]
    fn every_line_that_is_commented_out_parses_too() {
        let text = super::template(&"plant-7".parse().unwrap()).replace("#| ", "");
        let cluster =
            Cluster::parse(&text, "cluster.yaml", None).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(cluster.nodes()[0].network.is_some(), "the commented lines were taken");
    }
}
