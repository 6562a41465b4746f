//! Bare metal: which Service gets which address out of which `AddressPool`.
//!
//! ```text
//! PoolSpec ──compile──► PoolSet ─┐
//! Holding  ──adopt────► claims  ─┴─ Book ──decide(&DesiredLb)──► Decision ──apply──► Book
//!                                             │                     └──────steps───► Plan / Outcome
//!                                             └── MetalError (class, category, what to do)
//! ```
//!
//! Everything but [`MetalProvider`] is pure and private. The provider keeps one [`std::sync::Mutex`] around the
//! book, decides and applies under it without any await, and remembers nothing that cannot be read back from the
//! statuses of the Services: after a restart the first feed restores the same book.
//!
//! The rules, each of them told in full where it is implemented:
//!
//! - what a pool entry may be, and which addresses are left out: `range`, `space`;
//! - which pools are open to a Service, and in which order they are asked: `candidates`;
//! - what a Service keeps, gets, or is refused: `choose`;
//! - who may hold one address together: `sharing`, and which of them fits: `shelf`;
//! - what is left of a wish that cannot be had: `apply`;
//! - what happens at restart and when pools change: `adopt`.

mod adopt;
mod annotations;
mod apply;
mod book;
mod candidates;
mod choose;
mod error;
mod family;
mod intervals;
mod party;
mod pool;
mod pool_set;
mod provider;
mod range;
mod selector;
mod sharing;
mod shelf;
mod space;
mod steps;
mod wish;

pub use error::MetalError;
pub use provider::MetalProvider;
