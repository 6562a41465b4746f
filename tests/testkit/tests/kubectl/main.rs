//! The embedded API server under real `kubectl`.
//!
//! Every scenario is a script of `kubectl` commands with the output it expects. It is used twice:
//!
//! - `live` runs the script with the `kubectl` of this machine (`LANDFALL_KUBECTL`, else the one in `PATH`; 1.30 or
//!   newer) over HTTP.
//! - `replay` needs no `kubectl`: it sends the requests that `kubectl` sent when the scenario was recorded, and
//!   compares the answers with those it got then.
//!
//! `LANDFALL_RECORD=1 cargo test -p landfall-testkit --test kubectl live` records again, into
//! `tests/fixtures/kubectl/VERSION/`. Identifiers, times and allocated addresses are not compared: they differ from run to run.
//!
//! One script is `live` only: the one that applies what `deploy/` ships.
//!
//! Not covered because the server does not offer it: `explain` (no schemas), `create service|namespace|configmap|secret`
//! with flags from `kubectl` 1.32 on (protobuf bodies), `logs`, `exec`, `proxy`.

#![allow(clippy::expect_used, clippy::panic, reason = "a helper that fails fails its test")]

mod fixture;
mod live;
mod recorder;
mod replay;
mod salient;
mod scenarios;
mod shell;
