//! Broken files by the thousand: whatever is in one, it is read or refused, soon, and in words.
//!
//! The generator knows what the files are made of: it moves, doubles, drops and swaps lines, words and marks of
//! right and wrong files, and now and then a byte. A seed names every input, so that a find can be seen again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::whole::worked;
use super::{KEY, RIGHT, clashes, values, with};
use crate::{Answers, Cluster, NodeName, Pin, template, with_host_keys};

/// Words and marks with a meaning to YAML, to us, or to somebody who means harm.
const PIECES: &[&str] = &[
    ":",
    ": ",
    "- ",
    "-",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\n",
    "\r\n",
    "\t",
    "  ",
    "#",
    " #",
    "&a ",
    "*a",
    "<<: *a",
    "!!str ",
    "!",
    "|\n",
    ">\n",
    "? ",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "'",
    "\"",
    "\\",
    "~",
    "null",
    "off",
    "yes",
    "true",
    "0x1F",
    "1e999",
    ".nan",
    "1.10",
    "022",
    "99999999999999999999",
    "-1",
    "\u{feff}",
    "\u{0}",
    "\u{200b}",
    "é",
    "漢",
    "\u{1b}[2J",
    "10.77.0.11",
    "10.77.0.0/16",
    "0.0.0.0/0",
    "::/0",
    "fd00::1",
    "255.255.255.255",
    "10.0.0.1-10.0.0.9",
    "0.0.0.0-255.255.255.255",
    "/33",
    "apiVersion",
    "kind",
    "metadata",
    "spec",
    "name",
    "nodes",
    "role",
    "ssh",
    "address",
    "hostKey",
    "network",
    "interface",
    "mac",
    "gateway",
    "pools",
    "addresses",
    "hosts",
    "upstreams",
    "kubelet",
    "swap",
    "time",
    "timeServers",
    "chrony",
    "control-plane",
    "worker",
    "cp1",
    KEY,
];

/// Numbers that look random and are the same every time (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(sides.max(1)).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }

    /// A place between two characters.
    fn place(&mut self, text: &str) -> usize {
        let at = self.roll(text.len() + 1);
        (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap()
    }
}

/// What inputs are made of.
struct Corpus {
    right: Vec<String>,
    wrong: Vec<String>,
}

impl Corpus {
    fn new() -> Self {
        let cases = values::SEEN_BY_THE_SCHEMA.iter().chain(values::SEEN_BY_SEALIFT_ONLY);
        let wrong = cases.map(|(piece, replacement, ..)| with(piece, replacement));
        let clashing = clashes::CLASHES.iter().map(|(piece, replacement, ..)| with(piece, replacement));
        let written = template(&Answers::example("plant-7".parse().unwrap()));
        let keyed = [(Pin::Node("cp1".parse().unwrap()), KEY.parse().unwrap())];
        let keyed = with_host_keys(&written, "c", &keyed).unwrap();
        let json = serde_saphyr::from_str::<serde_json::Value>(RIGHT).unwrap().to_string();
        Self {
            right: vec![RIGHT.to_owned(), written.replace("#| ", ""), written, keyed, json],
            wrong: wrong.chain(clashing).collect(),
        }
    }

    /// As often a right one as a wrong one: what breaks early is never seen by the checks that come late.
    fn pick(&self, dice: &mut Dice) -> &str {
        let from = if dice.roll(2) == 0 { &self.right } else { &self.wrong };
        dice.pick::<String>(from)
    }
}

fn mutated(corpus: &Corpus, dice: &mut Dice) -> String {
    let mut text = corpus.pick(dice).to_owned();
    for _ in 0..=dice.roll(4) {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let line = dice.roll(lines.len());
        text = match dice.roll(9) {
            // a piece put in, or in place of something
            0..=2 => {
                let (from, len) = (dice.place(&text), dice.roll(12));
                let to = (from + len.min(text.len() - from)..=text.len())
                    .find(|to| text.is_char_boundary(*to))
                    .unwrap();
                let to = if dice.roll(2) == 0 { from } else { to };
                format!("{}{}{}", &text[..from], dice.pick(PIECES), &text[to..])
            }
            // a word in place of a word
            3 => {
                let words: Vec<&str> = text
                    .split([' ', '\n', '{', '}', '[', ']', ',', ':'])
                    .filter(|word| !word.is_empty())
                    .collect();
                if words.is_empty() {
                    String::new()
                } else {
                    let (word, piece) = (*dice.pick(&words), *dice.pick(PIECES));
                    text.replacen(word, piece, 1)
                }
            }
            4 => lines.iter().enumerate().filter(|(at, _)| *at != line).map(|(_, line)| *line).collect(),
            5 => lines
                .iter()
                .enumerate()
                .flat_map(|(at, text)| std::iter::repeat_n(*text, 1 + usize::from(at == line)))
                .collect(),
            // another indentation
            6 => {
                let spaces = " ".repeat(dice.roll(9));
                let moved = |(at, text): (usize, &&str)| {
                    if at == line { format!("{spaces}{}", text.trim_start()) } else { (*text).to_owned() }
                };
                lines.iter().enumerate().map(moved).collect()
            }
            // the head of one file and the tail of another
            7 => {
                let other = corpus.pick(dice);
                let (here, there) = (dice.place(&text), dice.place(other));
                format!("{}{}", &text[..here], &other[there..])
            }
            // a part many times
            _ => {
                let (from, to) = (dice.place(&text), dice.place(&text));
                let part = &text[from.min(to)..from.max(to)];
                format!("{text}{}", part.repeat(dice.roll(20).min(60_000 / part.len().max(1))))
            }
        };
    }
    text
}

/// What must hold of every text.
fn holds(text: &str) -> bool {
    match Cluster::parse(text, "c.yaml", None) {
        Ok(cluster) => {
            assert_eq!(cluster.differences(&cluster), []);
            serde_json::to_string(&cluster).unwrap();
            let names: Vec<NodeName> = cluster.nodes().iter().map(|node| node.name.clone()).collect();
            let keys: Vec<_> =
                names.into_iter().map(|name| (Pin::Node(name), KEY.parse().unwrap())).collect();
            // a layout may be refused; what is written must say what was meant
            if let Ok(written) = with_host_keys(text, "c.yaml", &keys[..1]) {
                let first = Cluster::parse(&written, "c.yaml", None).ok();
                let key = first.map(|cluster| {
                    serde_json::to_value(cluster).unwrap()["nodes"][0]["ssh"]["hostKey"].clone()
                });
                assert!(key.is_none_or(|key| key == KEY), "{written}");
            }
            true
        }
        Err(problems) => {
            let lines = u64::try_from(text.split(['\n', '\r']).count()).unwrap() + 1;
            for problem in problems.iter() {
                let place = &problem.place;
                assert!(place.line <= lines && (place.line == 0) == (place.column == 0), "{problem}");
                assert!(
                    !problem.message.is_empty() && !problem.message.contains("this is a bug"),
                    "{problem}"
                );
                let shown = problem.to_string();
                assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
            }
            false
        }
    }
}

#[test]
fn whatever_is_in_a_file_it_is_read_or_refused() {
    let full = std::env::var_os("SEALIFT_TEST_FULL").is_some();
    let seed = if full { u64::from(std::process::id()) << 32 } else { 1 };
    let (corpus, began) = (Corpus::new(), Instant::now());
    let (mut tried, mut taken, mut slowest) = (0_u64, 0_u64, Duration::ZERO);
    while if full { began.elapsed() < Duration::from_mins(10) } else { tried < 5_000 } {
        let text = mutated(&corpus, &mut Dice(seed + tried));
        let start = worked();
        let held = catch_unwind(AssertUnwindSafe(|| holds(&text)));
        let took = worked().saturating_sub(start);
        assert!(took < Duration::from_secs(1), "seed {}: {took:?} for {text:?}", seed + tried);
        let Ok(good) = held else { panic!("seed {}: {text:?}", seed + tried) };
        taken += u64::from(good);
        slowest = slowest.max(took);
        tried += 1;
    }
    println!("{tried} texts in {:?}, {taken} of them right, the slowest took {slowest:?}", began.elapsed());
    assert!(taken > tried / 100, "only {taken} of {tried} were right: the generator breaks everything");
}
