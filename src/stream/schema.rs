//! The number that every stored file carries, and how a file of an earlier sealift becomes one of today.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Makes a document of one schema one of the next. Its number is none of its business: [`Format`] counts.
pub type Step = fn(&mut Value);

/// A kind of stored file: how each of its schemas became the next, oldest first. Schemas begin at 1, so today's is one
/// more than there are steps.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    steps: &'static [Step],
}

/// Why a stored file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A later sealift wrote it. Whatever is in it, we would take it for something else.
    #[error(
        "it has schema {found}, a later sealift's; this one knows {known}, and \
         `sealift self-update BUNDLE --trust KEY.pub` takes the later one from a bundle"
    )]
    Newer {
        /// Its number.
        found: u64,
        /// Ours.
        known: u32,
    },
    /// It is none of its kind.
    #[error("{0}")]
    Damaged(String),
}

/// What every schema of every stored file has.
#[derive(Deserialize)]
struct Head {
    schema: u64,
}

impl Format {
    /// A format with this history; none for one that has not changed yet.
    pub const fn new(steps: &'static [Step]) -> Self {
        Self { steps }
    }

    /// The schema that is written today.
    #[expect(clippy::cast_possible_truncation, reason = "no format changes four billion times")]
    pub const fn today(&self) -> u32 {
        self.steps.len() as u32 + 1
    }

    /// Whether a document of this schema is as it is written today, or else what [`migrate`](Self::migrate) can mend.
    pub fn is_today(&self, found: u64) -> Result<bool, SchemaError> {
        match found {
            0 => Err(SchemaError::Damaged("schema 0 was never written".to_owned())),
            found if found > u64::from(self.today()) => {
                Err(SchemaError::Newer { found, known: self.today() })
            }
            found => Ok(found == u64::from(self.today())),
        }
    }

    /// Makes a document of schema `found` one of today, step by step. A document without a number of its own (a later
    /// line of a journal) gets none.
    pub fn migrate(&self, found: u64, document: &mut Value) -> Result<(), SchemaError> {
        self.is_today(found)?;
        let behind = usize::try_from(found - 1).unwrap_or(usize::MAX);
        for step in self.steps.iter().skip(behind) {
            step(document);
        }
        if let Some(schema) = document.get_mut("schema") {
            *schema = self.today().into();
        }
        Ok(())
    }

    /// Reads a JSON document of any schema that was ever written.
    pub fn read<T: DeserializeOwned>(&self, json: &[u8]) -> Result<T, SchemaError> {
        let found = serde_json::from_slice::<Head>(json)?.schema;
        // today's is read from its text: errors name their line
        if self.is_today(found)? {
            return Ok(serde_json::from_slice(json)?);
        }
        let mut document = serde_json::from_slice(json)?;
        self.migrate(found, &mut document)?;
        Ok(serde_json::from_value(document)?)
    }
}

impl From<serde_json::Error> for SchemaError {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::{Format, SchemaError};

    /// Schema 1 had one address, schema 2 calls it a place, schema 3 has many.
    const PLACES: Format = Format::new(&[
        |document| {
            if let Some(map) = document.as_object_mut()
                && let Some(address) = map.remove("address")
            {
                map.insert("place".to_owned(), address);
            }
        },
        |document| {
            if let Some(map) = document.as_object_mut()
                && let Some(place) = map.remove("place")
            {
                map.insert("places".to_owned(), Value::Array(vec![place]));
            }
        },
    ]);

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Places {
        schema: u32,
        places: Vec<String>,
    }

    fn read(text: &str) -> Result<Places, SchemaError> {
        PLACES.read(text.as_bytes())
    }

    #[test]
    fn every_schema_that_was_ever_written_becomes_todays() {
        let today = Places { schema: 3, places: vec!["here".to_owned()] };
        for text in [
            r#"{"schema": 1, "address": "here"}"#,
            r#"{"schema": 2, "place": "here"}"#,
            r#"{"schema": 3, "places": ["here"]}"#,
        ] {
            assert_eq!(read(text).unwrap(), today, "{text}");
        }
        assert_eq!((PLACES.today(), Format::new(&[]).today()), (3, 1));
        let mut line = json!({"address": "here"});
        PLACES.migrate(1, &mut line).unwrap();
        assert_eq!(line, json!({"places": ["here"]}), "a line has no number of its own");
    }

    #[test]
    fn a_later_one_is_refused_by_its_number_whatever_is_in_it() {
        for text in [r#"{"schema": 4, "places": ["here"]}"#, r#"{"schema": 99999999999, "x": 1}"#] {
            let error = read(text).unwrap_err();
            assert!(matches!(error, SchemaError::Newer { known: 3, .. }), "{error}");
            assert!(error.to_string().contains("sealift self-update BUNDLE --trust"), "{error}");
        }
    }

    #[test]
    fn what_is_none_is_damaged_and_told_with_its_line() {
        for (text, words) in [
            ("", "line 1"),
            ("{\n\"places\": []}", "missing field `schema`"),
            (r#"{"schema": 0, "places": []}"#, "schema 0"),
            (r#"{"schema": -1, "places": []}"#, "line 1"),
            ("{\"schema\": 3,\n\"places\": 7}", "line 2"),
            (r#"{"schema": 1, "nothing": 7}"#, "nothing"),
        ] {
            let error = read(text).unwrap_err();
            assert!(matches!(&error, SchemaError::Damaged(why) if why.contains(words)), "{text}: {error}");
        }
    }
}
