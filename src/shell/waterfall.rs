//! Where the time went: one line per step, a bar on a shared time axis.

use std::fmt::Write as _;

use super::text::fit;

/// One stretch of work.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    /// Who did it, e.g. a node's name.
    pub(crate) lane: String,
    /// What was done.
    pub(crate) name: String,
    /// Seconds from the run's start.
    pub(crate) from: f64,
    /// Seconds from the run's start.
    pub(crate) to: f64,
}

const LANE: usize = 10;
const NAME: usize = 30;
const TIME: usize = 8;

/// Draws the spans in order of their start, no line longer than `width` characters. Spans shorter than
/// one per cent of the whole are gathered in a last line: they are not where the time went.
pub(crate) fn waterfall(spans: &[Span], width: usize) -> String {
    let end = spans.iter().map(|span| span.to).fold(0.0, f64::max);
    if end <= 0.0 {
        return String::new();
    }
    let (mut shown, small): (Vec<&Span>, Vec<&Span>) =
        spans.iter().partition(|span| span.to - span.from >= end / 100.0);
    shown.sort_by(|a, b| a.from.total_cmp(&b.from));
    // a narrow terminal costs names first, then the bar
    let name = NAME.min(width.saturating_sub(LANE + TIME + 4) / 2);
    let room = width.saturating_sub(LANE + name + TIME + 4).max(4);
    let mut text = String::new();
    for span in shown {
        let (left, right) =
            (column(span.from, end, room), column(span.to, end, room).max(column(span.from, end, room) + 1));
        let bar: String = (0..room).map(|at| if at >= left && at < right { '█' } else { '·' }).collect();
        let _ = writeln!(
            text,
            "{} {} {bar} {:>TIME$}",
            fit(&span.lane, LANE),
            fit(&span.name, name),
            seconds(span.to - span.from)
        );
    }
    if !small.is_empty() {
        let sum: f64 = small.iter().map(|span| span.to - span.from).sum();
        let _ = writeln!(text, "{:<LANE$} {} short steps, {} together", "", small.len(), seconds(sum));
    }
    let _ = write!(text, "{:<LANE$} {:<name$} {:<room$} {:>TIME$}", "", "whole run", "", seconds(end));
    text
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place on a line"
)]
fn column(at: f64, end: f64, room: usize) -> usize {
    ((at / end * room as f64) as usize).min(room.saturating_sub(1))
}

fn seconds(seconds: f64) -> String {
    if seconds >= 100.0 { format!("{seconds:.0} s") } else { format!("{seconds:.1} s") }
}

#[cfg(test)]
mod tests {
    use super::super::text::width_of;
    use super::{Span, waterfall};

    #[test]
    fn draws_within_eighty_columns_and_gathers_what_is_short() {
        let span = |lane: &str, name: &str, from, to| Span { lane: lane.into(), name: name.into(), from, to };
        let spans = [
            span("cp1", "kubeadm init", 10.0, 28.0),
            span("worker-with-a-long-name", "images", 0.0, 10.0),
            span("cp1", "sysctl", 0.0, 0.01),
        ];
        for width in [40, 80] {
            let text = waterfall(&spans, width);
            assert!(text.lines().all(|line| width_of(line) <= width), "{text}");
        }
        let text = waterfall(&spans, 80);
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.lines().next().is_some_and(|line| line.starts_with("worker-wi…")), "{text}");
        assert!(text.contains("1 short steps"), "{text}");
    }
}
