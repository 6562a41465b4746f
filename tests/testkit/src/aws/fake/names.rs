//! Which names and tags are accepted.

use landfall_aws::api::Tags;

use super::refused::{Done, refuse};

/// Most tags that a resource can have.
pub(super) const TAGS: usize = 50;

/// A load balancer's name: that of a target group, and not as if it were internal by name.
pub(super) fn balancer(name: &str) -> Done<()> {
    resource(name)?;
    if name.starts_with("internal-") {
        return refuse(
            "ValidationError",
            format!("The load balancer name '{name}' cannot begin with internal-"),
        );
    }
    Ok(())
}

/// A target group's name: 1 to 32 letters, digits and hyphens, no hyphen first or last.
pub(super) fn resource(name: &str) -> Done<()> {
    let fits = (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-');
    if !fits {
        return refuse("ValidationError", format!("The name '{name}' is not valid"));
    }
    Ok(())
}

/// Name or description of a security group or of a rule: at most 255 of the characters that EC2 takes.
pub(super) fn ec2_text(field: &str, text: &str) -> Done<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    if text.len() > 255 || !text.chars().all(fits) {
        return refuse("InvalidParameterValue", format!("Value ({text}) for parameter {field} is invalid"));
    }
    Ok(())
}

/// Tags as a resource would have them; `code` is for too many.
pub(super) fn tags(tags: &Tags, code: &str) -> Done<()> {
    if tags.len() > TAGS {
        return refuse(code, format!("{} tags, at most {TAGS} are allowed", tags.len()));
    }
    for (key, value) in tags {
        let fits = |text: &str| text.chars().all(|c| c.is_alphanumeric() || " _.:/=+-@".contains(c));
        let lengths = (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256;
        if !lengths || !fits(key) || !fits(value) || key.to_ascii_lowercase().starts_with("aws:") {
            return refuse("ValidationError", format!("The tag '{key}' = '{value}' is not valid"));
        }
    }
    Ok(())
}
