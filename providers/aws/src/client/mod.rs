//! Calls on behalf of one load balancer: paced, bounded in time, named in errors; lists read to their last page, long
//! inputs sent in pieces.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

mod ec2;
mod elb;
mod elb_changes;

use crate::api::error::Failure;
use crate::api::{Action, Answer, ApiError, Page};
use crate::calls::{About, Calls};
use crate::error::AwsError;
use crate::pace::Asker;

/// Calls on behalf of one load balancer, or of the account as a whole.
///
/// One method per method of [`Elb`](crate::api::elb::Elb) and [`Ec2`](crate::api::ec2::Ec2), with the same meaning.
/// Lists are complete. Nothing is sent for an empty list of names, ids, targets, tags or attributes: AWS takes the first
/// two for "all" and refuses the others. Deleting what is gone already succeeds.
///
/// Nothing is retried. Dropping a future while a request is under way leaves its effect in doubt, as does an error of
/// which [`AwsError::is_in_doubt`] says so.
#[derive(Debug, Clone)]
pub struct Client {
    calls: Arc<Calls>,
    whom: Arc<str>,
    /// Whether they make something new.
    is_new: bool,
    /// Turns that were taken beforehand.
    turns: Arc<Mutex<Vec<Action>>>,
}

impl Client {
    /// Calls for this one: whom errors name, and whose place is kept in the queue of creations.
    pub fn new(calls: &Arc<Calls>, for_whom: impl Into<String>) -> Self {
        Self { calls: Arc::clone(calls), whom: for_whom.into().into(), is_new: false, turns: Arc::default() }
    }

    /// The same, to make something new: changes of what is there do not wait behind such.
    #[must_use]
    pub(crate) fn making(&self) -> Self {
        Self { is_new: true, ..self.clone() }
    }

    /// Whether AWS throttles such requests: what can wait should.
    pub fn is_slowed(&self, action: Action) -> bool {
        self.calls.is_slowed(action)
    }

    /// Whom the calls are for.
    pub fn whom(&self) -> &str {
        &self.whom
    }

    /// Waits for the turn of a request that follows: once something is undone for its sake, it is not the rate that keeps
    /// it from being made.
    pub(crate) async fn take_turn(&self, action: Action) -> Result<(), AwsError> {
        self.calls.take_turn(self.asker(), action).await?;
        self.turns().push(action);
        Ok(())
    }

    async fn call<T>(
        &self,
        action: Action,
        object: impl Into<Option<&str>>,
        request: impl Future<Output = Answer<T>>,
    ) -> Result<T, AwsError> {
        let has_turn = self.turns().extract_if(.., |taken| *taken == action).next().is_some();
        self.calls.call(About { asker: self.asker(), action, object: object.into(), has_turn }, request).await
    }

    fn asker(&self) -> Asker<'_> {
        Asker { whom: &self.whom, is_new: self.is_new }
    }

    fn turns(&self) -> MutexGuard<'_, Vec<Action>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every page of a list.
    async fn pages<T, F>(
        &self,
        action: Action,
        object: impl Into<Option<&str>>,
        page: impl Fn(Option<String>) -> F,
    ) -> Result<Vec<T>, AwsError>
    where
        F: Future<Output = Answer<Page<T>>>,
    {
        let mut pages = Pages::default();
        self.read_on(action, object, &mut pages, page).await?;
        Ok(pages.items)
    }

    /// The pages of a list that have not been read yet.
    async fn read_on<T, F>(
        &self,
        action: Action,
        object: impl Into<Option<&str>>,
        pages: &mut Pages<T>,
        page: impl Fn(Option<String>) -> F,
    ) -> Result<(), AwsError>
    where
        F: Future<Output = Answer<Page<T>>>,
    {
        let object = object.into();
        while !pages.complete {
            let got = self.call(action, object, page(pages.marker.clone())).await?;
            pages.items.extend(got.items);
            if let Some(next) = &got.next
                && !pages.seen.insert(next.clone())
            {
                let what = format!("the marker of the next page, {next:?}, was given before");
                let error = ApiError { action, kind: Failure::Unreadable { what } };
                return Err(AwsError::failed(&self.whom, object, error));
            }
            (pages.complete, pages.marker) = (got.next.is_none(), got.next);
        }
        Ok(())
    }
}

/// A list as far as its pages are read. Who failed or was dropped between two of them can go on with the next.
#[derive(Debug)]
pub(crate) struct Pages<T> {
    items: Vec<T>,
    seen: HashSet<String>,
    /// Of the next page; `None` for the first.
    marker: Option<String>,
    complete: bool,
}

impl<T> Pages<T> {
    /// What was read so far.
    pub(crate) fn items(&self) -> &[T] {
        &self.items
    }

    /// What was read so far.
    pub(crate) fn into_items(self) -> Vec<T> {
        self.items
    }
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self { items: Vec::new(), seen: HashSet::new(), marker: None, complete: false }
    }
}

/// Counts an answer with one of these codes as success.
fn unless(answer: Result<(), AwsError>, gone: &[&str]) -> Result<(), AwsError> {
    match answer {
        Err(error) if error.code().is_some_and(|code| gone.contains(&code)) => Ok(()),
        answer => answer,
    }
}

/// The one resource that a request is about, if it is one.
fn only(arns: &[String]) -> Option<&str> {
    match arns {
        [arn] => Some(arn),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
