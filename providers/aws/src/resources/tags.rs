//! Tags of what we make: those of the user, and the marks.

use landfall_core::error::Category;
use landfall_core::outcome::Problem;

use crate::api::Tags;
use crate::marks;

/// Tags of the user that fit next to ours.
const ROOM: usize = marks::TAGS_AT_MOST - marks::OURS_AT_MOST;

/// The user's tags, as far as there is room, and the marks. A mark wins over a tag of the same key.
pub(super) fn with(user: &Tags, marks: Tags) -> Tags {
    let mut tags: Tags = user.iter().take(ROOM).map(|(key, value)| (key.clone(), value.clone())).collect();
    tags.extend(marks);
    tags
}

/// The problem that some tags of the user do not fit.
pub(super) fn problem(user: &Tags) -> Option<Problem> {
    let left_out: Vec<&str> = user.keys().skip(ROOM).map(String::as_str).collect();
    (!left_out.is_empty()).then(|| Problem {
        member: None,
        port: None,
        category: Category::new("TooManyTags"),
        message: format!(
            "{} tags are asked for; AWS takes {} per resource, of which {} are Landfall's. Left out: {}",
            user.len(),
            marks::TAGS_AT_MOST,
            marks::OURS_AT_MOST,
            left_out.join(", ")
        ),
    })
}
