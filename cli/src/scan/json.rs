//! JSON of which most is passed over: it may be large, and hold what is private.

use std::collections::BTreeMap;

use serde_json::error::Category;
use serde_json::value::RawValue;

use super::cause::Cause;

/// An object's members by their keys, each value as it was written. Of a key that comes twice the last counts, as it
/// does for the agent.
pub(super) type Members<'a> = BTreeMap<String, &'a RawValue>;

/// The members of an object that stands in a file, or at a place in one. A file without text holds none.
pub(super) fn members<'a>(place: &str, text: &'a str) -> Result<Members<'a>, Cause> {
    if text.trim().is_empty() {
        return Ok(Members::new());
    }
    serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data => Cause::shape(place, kind(text), "an object"),
        // The parser's own words may hold a part of the text: the place is enough.
        _ => Cause::NotJson(error.line(), error.column()),
    })
}

/// The members of an object within another one; none where it is not there, or null.
pub(super) fn members_of<'a>(object: &Members<'a>, key: &str) -> Result<Members<'a>, Cause> {
    match object.get(key).map(|value| value.get()) {
        None | Some("null") => Ok(Members::new()),
        Some(text) => members(key, text),
    }
}

/// The texts in a list within an object; what is no text is passed over.
pub(super) fn texts_of(object: &Members<'_>, key: &str) -> Result<Vec<String>, Cause> {
    let Some(text) = object.get(key).map(|value| value.get()).filter(|text| *text != "null") else {
        return Ok(Vec::new());
    };
    let list: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| Cause::shape(key, kind(text), "a list"))?;
    Ok(list.iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect())
}

/// A text within an object.
pub(super) fn text_of(object: &Members<'_>, key: &str) -> Option<String> {
    object.get(key).and_then(|value| serde_json::from_str(value.get()).ok())
}

/// What a value is, in words.
pub(super) fn kind(text: &str) -> &'static str {
    match text.trim_start().bytes().next() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_without_what_stands_there() {
        let wrong = |text: &str| members("it", text).unwrap_err().to_string();
        assert_eq!(wrong("\"secret\""), "it is a text, not an object");
        assert_eq!(wrong("[\"secret\"]"), "it is a list, not an object");
        assert_eq!(wrong("{\n \"a\": secret}"), "is not valid JSON (line 2, column 7)");
        assert_eq!(wrong("{\"a\": \"secret"), "is not valid JSON (line 1, column 13)");
        let deep = "[".repeat(1 << 16);
        assert!(wrong(&format!("{{\"a\": {deep}")).starts_with("is not valid JSON"));
    }

    #[test]
    fn of_equal_keys_the_last_counts_and_other_shapes_are_passed_over() {
        let object =
            members("it", r#"{"a": {"x": 1}, "a": {"y": 2}, "list": ["b", 1, null, "c"], "none": null}"#).unwrap();
        assert_eq!(members_of(&object, "a").unwrap().into_keys().collect::<Vec<_>>(), ["y"]);
        assert_eq!(texts_of(&object, "list").unwrap(), ["b", "c"]);
        assert!(members_of(&object, "none").unwrap().is_empty() && texts_of(&object, "none").unwrap().is_empty());
        assert_eq!(texts_of(&object, "a").unwrap_err().to_string(), "a is an object, not a list");
        assert!(members("it", " \n").unwrap().is_empty());
    }
}
