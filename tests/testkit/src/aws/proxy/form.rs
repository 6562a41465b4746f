//! Requests of the query protocol: a form with the action, the version of the API, and parameters.

use percent_encoding::percent_decode_str;

/// A service, as its requests tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Elastic Load Balancing, version 2.
    Elb,
    /// EC2.
    Ec2,
    /// Any other.
    Other,
}

/// The form of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form<'a>(&'a [u8]);

impl<'a> Form<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    /// The action; empty if none is named.
    pub(super) fn action(self) -> String {
        self.value("Action").unwrap_or_default()
    }

    /// The service whose API has that version.
    pub(super) fn service(self) -> Service {
        match self.value("Version").as_deref() {
            Some("2015-12-01") => Service::Elb,
            Some("2016-11-15") => Service::Ec2,
            _ => Service::Other,
        }
    }

    /// The value of the first field of that name.
    pub(super) fn value(self, key: &str) -> Option<String> {
        let text = std::str::from_utf8(self.0).ok()?;
        let fields = text.split('&').map(|field| field.split_once('=').unwrap_or((field, "")));
        fields.into_iter().find(|(name, _)| decoded(name) == key).map(|(_, value)| decoded(value))
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded() {
        let form =
            Form::new(b"Action=CreateTags&Version=2016-11-15&Tag.1.Key=a%2Fb&Tag.1.Value=c+d%20e&Empty");
        assert_eq!(form.action(), "CreateTags");
        assert_eq!(form.service(), Service::Ec2);
        assert_eq!(form.value("Tag.1.Key").as_deref(), Some("a/b"));
        assert_eq!(form.value("Tag.1.Value").as_deref(), Some("c d e"));
        assert_eq!(form.value("Empty").as_deref(), Some(""));
        assert_eq!(form.value("Missing"), None);
    }

    #[test]
    fn what_is_no_form_has_no_action() {
        assert_eq!(Form::new(b"\xff\xfe").action(), "");
        assert_eq!(Form::new(b"").service(), Service::Other);
    }
}
