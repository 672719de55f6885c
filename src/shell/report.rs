//! The report of a run as one HTML page that fetches nothing.

use sealift_stream::ByteSize;
use serde_json::{Value, json};

use super::page::page;
use crate::ops::{End, Image, Node, Receipt, State, StepState, Timing};

const TEMPLATE: &str = include_str!("../../templates/report/report.html");
/// Where bars begin and end on the drawing's 1000 columns.
const BARS: (f64, f64) = (330.0, 920.0);
/// Height of a row.
const ROW: usize = 18;
/// Colours that bars have.
const COLOURS: usize = 6;

/// Writes the page.
pub(crate) fn report_html(receipt: &Receipt) -> anyhow::Result<String> {
    let (class, word, sentence) = end(receipt.outcome);
    let nodes: Vec<Value> = receipt.nodes.iter().map(node).collect();
    let context = json!({
        "run": receipt,
        "end": {"class": class, "word": word, "sentence": sentence},
        "seconds": seconds(receipt.seconds),
        "nodes": nodes,
        "waterfall": waterfall(receipt),
        "changes": changes(receipt),
        "images": images(receipt),
        "items": items(receipt),
    });
    page(TEMPLATE, &context)
}

fn end(end: End) -> (&'static str, &'static str, &'static str) {
    match end {
        End::Done => ("good", "done", "Everything is as the cluster file says."),
        End::Unchanged => ("good", "done", "Everything was as the cluster file says; nothing was changed."),
        End::Declined => ("wait", "declined", "A person said no to the plan; nothing was changed."),
        End::Interrupted => ("wait", "interrupted", "It was stopped; the same command goes on from there."),
        End::Failed => ("bad", "failed", "The cluster is not as the cluster file says."),
    }
}

fn node(node: &Node) -> Value {
    let system = node.system.as_ref().map_or_else(
        || "could not be asked".to_owned(),
        |s| format!("{}, kernel {}, {}, {} CPUs, {}", s.os, s.kernel, s.arch, s.cpus, ByteSize(s.memory)),
    );
    json!({"name": node.name, "role": node.role, "address": node.address, "host_key": node.host_key, "system": system})
}

/// Bars on one time axis. Steps shorter than one per cent of the whole are not where the time went; failed ones are
/// shown all the same.
fn waterfall(receipt: &Receipt) -> Value {
    let whole = receipt.steps.iter().map(|step| step.started + step.seconds).fold(0.0, f64::max);
    let long = |step: &&Timing| step.state == StepState::Failed || step.seconds >= whole / 100.0;
    let mut shown: Vec<&Timing> = receipt.steps.iter().filter(long).collect();
    shown.sort_by(|a, b| a.started.total_cmp(&b.started));
    let lane =
        |step: &Timing| receipt.nodes.iter().position(|node| node.name == step.node).map_or(0, |at| at + 1);
    let scale = (BARS.1 - BARS.0) / if whole > 0.0 { whole } else { 1.0 };
    let rows: Vec<Value> = shown
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let class = match step.state {
                StepState::Failed => "failed".to_owned(),
                StepState::Changed | StepState::Unchanged => format!("lane{}", lane(step) % COLOURS),
            };
            json!({
                "label": super::text::cut(&format!("{} {}", step.node, step.step), 44),
                "title": format!("{}: {} ({}), from {} on", step.node, step.step, step.play, seconds(step.started)),
                "class": class,
                "x": format!("{:.1}", BARS.0 + step.started * scale),
                "width": format!("{:.1}", (step.seconds * scale).max(2.0)),
                "y": at * ROW + 3,
                "text": at * ROW + 13,
                "seconds": seconds(step.seconds),
            })
        })
        .collect();
    let rest = receipt.steps.len() - shown.len();
    let note = format!(
        "{} from the first step to the last; {rest} steps took less than a hundredth of it each",
        seconds(whole)
    );
    json!({"rows": rows, "height": shown.len() * ROW + 4, "whole": seconds(whole), "note": note})
}

fn changes(receipt: &Receipt) -> Vec<Value> {
    let row = |applied: &crate::ops::Applied| {
        let (class, state) = match applied.state {
            State::Verified => ("", ""),
            State::Failed => ("bad", "failed"),
            State::Begun => ("wait", "cut off"),
        };
        json!({
            "node": applied.node, "step": applied.step, "class": class, "state": state, "what": applied.change.what,
            "before": applied.change.before, "after": applied.change.after, "reason": applied.change.reason,
        })
    };
    receipt.changes.iter().map(row).collect()
}

/// The release's images, and how each node has them.
fn images(receipt: &Receipt) -> Vec<Value> {
    let images = receipt.items.iter().filter(|item| item.kind == "image");
    let cell = |found: Option<&[Image]>, name: &str, digest: &sealift_stream::Digest| {
        let (class, word) = match found.map(|images| images.iter().find(|image| image.name == name)) {
            None => ("wait", "not asked"),
            Some(None) => ("bad", "absent"),
            Some(Some(image)) if image.digest != *digest => ("bad", "another"),
            Some(Some(image)) if !image.whole => ("bad", "in parts"),
            Some(Some(image)) if !image.pinned => ("wait", "not pinned"),
            Some(Some(_)) => ("good", "whole"),
        };
        json!({"class": class, "word": word})
    };
    images
        .map(|item| {
            let cells: Vec<Value> = receipt
                .nodes
                .iter()
                .map(|node| cell(node.images.as_deref(), &item.name, &item.digest))
                .collect();
            json!({"name": item.name, "digest": item.digest, "cells": cells})
        })
        .collect()
}

fn items(receipt: &Receipt) -> Vec<Value> {
    let row = |item: &crate::ops::Item| {
        json!({
            "kind": item.kind, "name": item.name, "version": item.version, "digest": item.digest,
            "size": ByteSize(item.size).to_string(),
        })
    };
    receipt.items.iter().map(row).collect()
}

fn seconds(seconds: f64) -> String {
    if seconds >= 100.0 { format!("{seconds:.0} s") } else { format!("{seconds:.1} s") }
}

#[cfg(test)]
mod tests;
