//! A profile laid under a cluster file.

use crate::tree::{Node, Value};

/// Maps merge key by key, at any depth; for everything else `over` wins whole, lists included: half a
/// list from one file and half from another would be a list that nobody wrote.
pub(crate) fn merge(under: Node, over: Node) -> Node {
    let Node { at, value } = over;
    let value = match (under.value, value) {
        (Value::Map(below), Value::Map(mut above)) => {
            for (key, node) in below {
                match above.iter().position(|(name, _)| name.name == key.name) {
                    Some(i) => {
                        let (name, mine) = above.remove(i);
                        above.insert(i, (name, merge(node, mine)));
                    }
                    None => above.push((key, node)),
                }
            }
            Value::Map(above)
        }
        // `key:` with nothing behind it says nothing
        (below, Value::Null) => return Node { at: under.at, value: below },
        (_, value) => value,
    };
    Node { at, value }
}
