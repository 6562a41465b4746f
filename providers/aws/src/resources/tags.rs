//! Tags of what we make: those of the user, and the marks.

use crate::api::Tags;

/// The user's tags and the marks. A mark wins over a tag of the same key. That all of them fit on one resource was
/// checked when the settings were read.
pub(super) fn with(user: &Tags, marks: Tags) -> Tags {
    let mut tags = user.clone();
    tags.extend(marks);
    tags
}
