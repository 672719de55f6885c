//! HTML pages that fetch nothing: one frame and style for all of them.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::Value;

const FRAME: &str = include_str!("../../templates/report/page.html");

/// Fills a page's template. Everything in it is escaped: names, evidence and error texts come from files and servers.
pub(super) fn page(template: &str, context: &Value) -> anyhow::Result<String> {
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.add_template("page.html", FRAME)?;
    Ok(env.template_from_named_str("content.html", template)?.render(Serde(context))?)
}
