//! The form of the answer, out of `Accept`: the object itself, a Table, or the metadata alone.

use super::error::ApiError;
use super::request::{Params, refused};
use super::table::Include;

/// What the client wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Output {
    #[default]
    Json,
    Table(Include),
    PartialMetadata,
}

impl Output {
    /// The first offer the server can serve; JSON without any offer; 406 when it can serve none.
    pub(crate) fn negotiate(accept: &str, params: &Params) -> Result<Self, ApiError> {
        if accept.trim().is_empty() {
            return Ok(Self::Json);
        }
        for offer in accept.split(',') {
            if let Some(output) = Self::from_offer(offer, params)? {
                return Ok(output);
            }
        }
        Err(ApiError::new(
            406,
            "NotAcceptable",
            "only the following media types are accepted: application/json, application/json;as=Table;v=v1;g=meta.k8s.io, application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
        ))
    }

    fn from_offer(offer: &str, params: &Params) -> Result<Option<Self>, ApiError> {
        let mut parts = offer.split(';').map(str::trim);
        if !matches!(parts.next(), Some("application/json" | "application/*" | "*/*")) {
            return Ok(None);
        }
        let (mut profile, mut meta_v1) = ("", [false; 2]);
        for part in parts {
            match part.split_once('=') {
                Some(("as", name)) => profile = name,
                Some(("g", group)) => meta_v1[0] = group == "meta.k8s.io",
                Some(("v", version)) => meta_v1[1] = version == "v1",
                _ => {}
            }
        }
        Ok(match profile {
            "" => Some(Self::Json),
            "Table" if meta_v1 == [true; 2] => {
                let include = params.text("includeObject");
                let known = Include::parse(Some(include))
                    .ok_or_else(|| refused("includeObject", include, "None, Metadata or Object"))?;
                Some(Self::Table(known))
            }
            "PartialObjectMetadata" | "PartialObjectMetadataList" if meta_v1 == [true; 2] => {
                Some(Self::PartialMetadata)
            }
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", Output::Json)]
    #[case("*/*", Output::Json)]
    #[case("application/json", Output::Json)]
    #[case("application/vnd.kubernetes.protobuf,application/json", Output::Json)]
    #[case(
        "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
        Output::Table(Include::Metadata)
    )]
    #[case("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", Output::Json)]
    #[case("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", Output::PartialMetadata)]
    fn picks(#[case] accept: &str, #[case] output: Output) {
        assert_eq!(Output::negotiate(accept, &Params::default()).unwrap(), output);
    }

    #[test]
    fn refuses_what_it_cannot_serve() {
        for accept in ["application/vnd.kubernetes.protobuf", "application/cbor;q=1"] {
            assert_eq!(Output::negotiate(accept, &Params::default()).unwrap_err().code, 406);
        }
    }
}
