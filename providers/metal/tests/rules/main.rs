//! The rules of address allocation, told through the provider contract alone.

#[cfg(test)]
mod dual_stack;
#[cfg(test)]
mod model;
#[cfg(test)]
mod pools;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod selection;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod sticky;
#[cfg(test)]
mod support;
