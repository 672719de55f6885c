//! Templates: jinja2 texts compiled into the binary, rendered strictly.

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use crate::embedded;

/// More instructions than any of our templates needs, few enough that a loop gone wrong ends at once.
const FUEL: u64 = 1_000_000;

/// All embedded templates. A name that the context lacks is an error, never an empty text; nothing is
/// escaped (the files are TOML, YAML and unit files); blocks on a line of their own leave no line behind
/// (`trim_blocks`, `lstrip_blocks`); the last newline is kept.
pub struct Templates(Environment<'static>);

/// Why a template could not be rendered.
#[derive(Debug, thiserror::Error)]
#[error("rendering template {name}: {why}")]
pub struct TemplateError {
    /// The template's name below `templates/`.
    pub name: String,
    /// Line and reason.
    pub why: String,
}

impl Templates {
    /// Parses every embedded template.
    pub fn embedded() -> Result<Self, TemplateError> {
        Self::from_texts(embedded::templates())
    }

    pub(crate) fn from_texts(
        texts: impl Iterator<Item = (&'static str, &'static str)>,
    ) -> Result<Self, TemplateError> {
        let fail =
            |name: &str, error: &minijinja::Error| TemplateError { name: name.to_owned(), why: spell(error) };
        let mut env = Environment::new();
        let syntax =
            SyntaxConfig::builder().keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true).build();
        env.set_syntax(syntax.map_err(|error| fail("(all)", &error))?);
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_auto_escape_callback(|_| AutoEscape::None);
        env.set_fuel(Some(FUEL));
        env.add_filter("to_yaml", to_yaml);
        env.add_filter("to_json", to_json);
        crate::filters::add(&mut env);
        for (name, text) in texts {
            env.add_template(name, text).map_err(|error| fail(name, &error))?;
        }
        Ok(Self(env))
    }

    /// Renders a template with `context`.
    pub fn render(&self, name: &str, context: &serde_json::Value) -> Result<String, TemplateError> {
        let fail = |error: minijinja::Error| TemplateError { name: name.to_owned(), why: spell(&error) };
        self.0.get_template(name).and_then(|t| t.render(minijinja::value::Serde(context))).map_err(fail)
    }

    /// The names which a template uses and does not set itself, e.g. `cluster.name`.
    #[cfg(test)]
    pub(crate) fn undeclared(&self, name: &str) -> std::collections::BTreeSet<String> {
        self.0.get_template(name).unwrap().undeclared_variables(true).into_iter().collect()
    }
}

/// A value as block YAML without the last newline; with `indent` for deeper places.
fn to_yaml(value: &minijinja::Value) -> Result<String, minijinja::Error> {
    serde_yaml::to_string(value).map(|text| text.trim_end().to_owned()).map_err(refuse)
}

/// A value as compact JSON. Unlike the built-in `tojson` it escapes nothing for HTML, so that digests and
/// diffs show what was meant; JSON is YAML too, so it quotes strings safely.
fn to_json(value: &minijinja::Value) -> Result<String, minijinja::Error> {
    serde_json::to_string(value).map_err(refuse)
}

fn refuse(error: impl std::fmt::Display) -> minijinja::Error {
    minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, error.to_string())
}

/// minijinja's message with its line and the causes below it.
fn spell(error: &minijinja::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Templates;

    fn one(text: &'static str) -> Templates {
        Templates::from_texts([("t.j2", text)].into_iter()).unwrap()
    }

    #[test]
    fn renders_without_escaping_and_leaves_no_empty_lines() {
        let text =
            "a = {{ a }}\n{% for b in list %}\n  - {{ b | to_json }}\n{% endfor %}\n{{ map | to_yaml }}\n";
        let context = json!({"a": "<&'\">", "list": ["x: y"], "map": {"k": {"n": 1}}});
        assert_eq!(one(text).render("t.j2", &context).unwrap(), "a = <&'\">\n  - \"x: y\"\nk:\n  n: 1\n");
    }

    #[test]
    fn what_the_context_lacks_is_an_error_with_its_line() {
        let error =
            one("ok\n{{ cluster.nmae }}\n").render("t.j2", &json!({"cluster": {"name": "x"}})).unwrap_err();
        assert!(error.to_string().contains("undefined") && error.to_string().contains("t.j2:2"), "{error}");
    }

    /// Values that a step of its own gives beside the usual ones (`Ctx::render_with`).
    const OF_STEPS: &[&str] = &["join"];

    #[test]
    fn every_embedded_template_asks_only_for_what_there_is() {
        let templates = Templates::embedded().unwrap();
        let kit = crate::testkit::Kit::new();
        let context = kit.site(crate::Events::unheard()).template_context(kit.cluster.nodes().first());
        for (name, _) in crate::embedded::templates() {
            for variable in templates.undeclared(name) {
                let parts: Vec<&str> = variable.split('.').collect();
                // image roles depend on the bundle, and the functions are minijinja's own
                if OF_STEPS.contains(&parts[0])
                    || ["images", "range", "namespace", "dict"].contains(&parts[0])
                {
                    continue;
                }
                let found = parts.iter().try_fold(&context, |value, part| value.get(part));
                assert!(found.is_some(), "templates/{name} asks for {variable}, which is not in the context");
            }
        }
    }

    #[test]
    fn a_loop_gone_wrong_ends() {
        let error =
            one("{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}{% endfor %}")
                .render("t.j2", &json!({}))
                .unwrap_err();
        assert!(error.to_string().contains("fuel"), "{error}");
    }
}
