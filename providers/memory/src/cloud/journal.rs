//! What was called: operations and the record of every call.

use std::fmt;

use super::objects::Kind;

/// One kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// One page of objects of a kind.
    List(Kind),
    /// One page of the targets of some pools.
    ListTargets,
    /// Makes an object.
    Create(Kind),
    /// Changes an object's tags and settings.
    Update(Kind),
    /// Removes an object.
    Delete(Kind),
    /// Puts targets into a pool.
    Register,
    /// Takes targets out of a pool.
    Deregister,
}

impl Operation {
    /// Whether it changes anything.
    pub const fn is_write(self) -> bool {
        !matches!(self, Self::List(_) | Self::ListTargets)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(kind) => write!(f, "list {kind}s"),
            Self::ListTargets => f.write_str("list targets"),
            Self::Create(kind) => write!(f, "create {kind}"),
            Self::Update(kind) => write!(f, "update {kind}"),
            Self::Delete(kind) => write!(f, "delete {kind}"),
            Self::Register => f.write_str("register targets in"),
            Self::Deregister => f.write_str("deregister targets from"),
        }
    }
}

/// One call that reached the cloud, whatever came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What was called.
    pub operation: Operation,
    /// Name of the object; empty for lists.
    pub object: String,
}
