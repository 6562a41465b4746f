//! A double of Google Cloud: [`fake`] is a fake Compute Engine.

pub mod fake;
