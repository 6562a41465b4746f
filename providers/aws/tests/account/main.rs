//! The account's snapshot and what is read besides, against the stateful fake of AWS: what is seen, and how many calls
//! it takes.

mod adoption;
mod doubt;
mod release;
mod sweeps;
mod targets;
mod world;
