//! Error answers, in the shape of the service.

use axum::body::Body;
use axum::http::{Response, StatusCode, header};

use super::form::Service;
use crate::aws::xml::escaped;

/// What AWS calls the request in its logs.
const REQUEST_ID: &str = "00000000-1111-2222-3333-444444444444";

/// An error answer of this service.
pub(super) fn answer(service: Service, status: u16, code: &str, message: &str) -> Response<Body> {
    let mut answer = Response::new(Body::from(document(service, status, code, message)));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/xml"));
    headers.insert("x-amzn-requestid", header::HeaderValue::from_static(REQUEST_ID));
    answer
}

fn document(service: Service, status: u16, code: &str, message: &str) -> String {
    let (code, message) = (escaped(code), escaped(message));
    if service == Service::Ec2 {
        return format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code>\
             <Message>{message}</Message></Error></Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
        );
    }
    let fault = if status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><Error>\
         <Type>{fault}</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
    )
}
