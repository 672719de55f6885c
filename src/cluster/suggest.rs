//! "Did you mean": the nearest of the words that would have been right.

/// Longer words are no slip of the fingers, and comparing them costs.
const LONGEST: usize = 60;

/// The candidate nearest to `word`, when it is near enough to be a slip of the fingers.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let length = word.chars().count();
    if length > LONGEST {
        return None;
    }
    let limit = (length / 3).max(1);
    candidates
        .iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), *candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Where in the file a field of this name may be, when it may: a wrong indentation moves fields.
pub(crate) fn elsewhere(name: &str) -> Option<String> {
    let places: Vec<&str> = crate::catalogue::fields()
        .filter(|field| field.name() == name && !field.is_of_jump_host())
        .filter_map(|field| field.path.rsplit_once('.').map(|(map, _)| map))
        .collect();
    (!places.is_empty()).then(|| places.join(" or "))
}

/// Edits between two words, a swap of neighbours counting as one (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn distances_are_those_of_the_textbook() {
        for (a, b, edits) in
            [("", "abc", 3), ("kitten", "sitting", 3), ("wroker", "worker", 1), ("x", "x", 0)]
        {
            assert_eq!(distance(a, b), edits, "{a} {b}");
            assert_eq!(distance(b, a), edits, "{b} {a}");
        }
    }

    #[test]
    fn suggests_slips_and_nothing_far_fetched() {
        let words = ["podSubnet", "serviceSubnet", "role"];
        assert_eq!(nearest("podsubnet", &words), Some("podSubnet"));
        assert_eq!(nearest("rol", &words), Some("role"));
        assert_eq!(nearest("gateway", &words), None);
    }
}
