//! Watches: a position in a table's history, turned into a stream of events.
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes>

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures::Stream;
use tokio::sync::watch::Receiver;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::encode::Encoder;
use super::engine::Engine;
use super::error::ApiError;
use super::history::{Change, ChangeKind, Compacted, event_frame};
use super::hooks::Cut;
use super::kinds::Kind;
use super::list::{forbidden, revision};
use super::negotiate::Output;
use super::options::Options;
use super::request::Params;
use super::selector::Selector;
use super::store::{Stored, Table};

/// How many changes are read under the table's lock at a time.
const BATCH: usize = 256;

/// How long before the end of a watch the last bookmark comes.
const LAST_BOOKMARK: Duration = Duration::from_secs(2);

/// What a watch asks for.
#[derive(Debug, Clone)]
pub(crate) struct WatchQuery {
    selector: Selector,
    start: Start,
    bookmarks: bool,
    timeout: Option<Duration>,
}

/// Where a watch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// With the changes after this resourceVersion.
    After(u64),
    /// With the changes after this moment.
    Now,
    /// With the present objects, then their changes.
    Present,
    /// As `Present`, with a bookmark in between (KEP-3157); the state must not be older than this.
    Streamed(u64),
}

/// What a watch needs besides its query.
pub(crate) struct WatchContext {
    pub(crate) engine: Arc<Engine>,
    pub(crate) kind: Arc<Kind>,
    pub(crate) output: Output,
    pub(crate) cuts: Receiver<Cut>,
    pub(crate) stop: CancellationToken,
}

/// A running watch.
struct Watch {
    context: WatchContext,
    table: Arc<Table>,
    selector: Selector,
    tip: Receiver<()>,
    cut: Cut,
    /// Set until the watch has begun: one from the present state waits for the end of a hold.
    waiting: Option<Start>,
    /// Position in the history: changes before it are out.
    position: u64,
    /// The state the client has after everything pending.
    revision: u64,
    pending: VecDeque<Bytes>,
    /// Nothing follows what is pending.
    ended: bool,
    headers_sent: bool,
    bookmarks: Option<Bookmarks>,
    deadline: Instant,
}

#[derive(Debug)]
struct Bookmarks {
    every: Duration,
    next: Instant,
    last_sent: bool,
    /// One is due as soon as all changes are out.
    due: bool,
}

impl Bookmarks {
    fn new(every: Duration, now: Instant) -> Self {
        Self { every, next: now + every, last_sent: false, due: false }
    }
}

enum Wake {
    Change,
    Timer,
    End,
    Broken,
}

impl WatchQuery {
    /// Reads the watch options of a query string.
    pub(crate) fn parse(selector: Selector, params: &Params) -> Result<Self, ApiError> {
        let sent = params.text("resourceVersion");
        let matching = params.text("resourceVersionMatch");
        let initial = params.text("sendInitialEvents");
        let start = match (initial, matching) {
            ("", "") if matches!(sent, "" | "0") => Start::Present,
            ("", "") => Start::After(revision(sent)?),
            ("", _) => {
                return Err(forbidden(
                    "resourceVersionMatch",
                    "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
                ));
            }
            (_, "NotOlderThan") if params.flag("sendInitialEvents")? => Start::Streamed(revision(sent)?),
            (_, "NotOlderThan") if matches!(sent, "" | "0") => Start::Now,
            (_, "NotOlderThan") => Start::After(revision(sent)?),
            _ => {
                return Err(forbidden(
                    "resourceVersionMatch",
                    "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
                ));
            }
        };
        Ok(Self {
            selector,
            start,
            bookmarks: params.flag("allowWatchBookmarks")?,
            timeout: params.number("timeoutSeconds")?.map(Duration::from_secs),
        })
    }

    /// Starts the watch. Refusals that depend on the state of the server come as ERROR events, as upstream.
    pub(crate) fn run(
        self,
        context: WatchContext,
        options: &Options,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        let watch = Watch::open(self, context, options);
        futures::stream::unfold(
            watch,
            |mut watch| async move { watch.next().await.map(|item| (item, watch)) },
        )
    }
}

impl Watch {
    fn open(query: WatchQuery, mut context: WatchContext, options: &Options) -> Self {
        let now = Instant::now();
        let cut = *context.cuts.borrow_and_update();
        let every = options.bookmark_every;
        let table = context.engine.table(&context.kind);
        let mut watch = Self {
            tip: table.subscribe(),
            table,
            cut,
            waiting: None,
            position: 0,
            revision: 0,
            pending: VecDeque::new(),
            ended: false,
            headers_sent: false,
            bookmarks: query.bookmarks.then(|| Bookmarks::new(every, now)),
            deadline: now + query.timeout.unwrap_or(options.watch_timeout),
            selector: query.selector,
            context,
        };
        watch.start(query.start);
        watch
    }

    /// Puts what comes first into `pending` and the position behind it, or waits for the end of a hold.
    fn start(&mut self, start: Start) {
        let table = Arc::clone(&self.table);
        let state = table.read();
        let current = self.context.engine.store.revision();
        match start {
            Start::After(asked) | Start::Streamed(asked) if asked > current => {
                self.refuse(&ApiError::too_large_resource_version(asked, current));
                return;
            }
            Start::After(asked) => {
                self.revision = asked;
                match state.history.position(asked) {
                    Ok(position) => self.position = position,
                    Err(compacted) => self.refuse(&too_old(asked, compacted)),
                }
                return;
            }
            Start::Present | Start::Streamed(_) if state.history.is_held() => {
                self.waiting = Some(start);
                return;
            }
            Start::Now | Start::Present | Start::Streamed(_) => {
                self.revision = current;
                self.position = state.history.end();
            }
        }
        let selected = state.objects.values().filter(|object| self.selector.matches(object));
        let present: Vec<Arc<Stored>> =
            if start == Start::Now { Vec::new() } else { selected.cloned().collect() };
        drop(state);
        for object in present {
            let frame = self.frame("ADDED", &object);
            self.pending.push_back(frame);
        }
        if matches!(start, Start::Streamed(_)) && self.bookmarks.is_some() {
            self.bookmark(true);
        }
    }

    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if let Some(frame) = self.pending.pop_front() {
                return Some(Ok(frame));
            }
            if self.ended {
                return None;
            }
            if self.read_changes() {
                continue;
            }
            match self.sleep().await {
                Wake::Change => {}
                Wake::Timer => self.keep_time(),
                Wake::End => self.ended = true,
                Wake::Broken => {
                    self.ended = true;
                    return Some(Err(io::Error::from(io::ErrorKind::ConnectionReset)));
                }
            }
        }
    }

    /// Reads on in the history. True when it moved, even if the selector passed nothing.
    fn read_changes(&mut self) -> bool {
        self.tip.mark_unchanged();
        if let Some(start) = self.waiting.take() {
            self.start(start);
            return self.waiting.is_none();
        }
        let table = Arc::clone(&self.table);
        let state = table.read();
        let changes = state.history.from(self.position, BATCH);
        let current = self.context.engine.store.revision();
        let held = state.history.is_held();
        drop(state);
        match changes {
            Ok(changes) if changes.is_empty() && held => false,
            Ok(changes) if changes.is_empty() => {
                self.revision = current;
                self.bookmark_if_due()
            }
            Ok(changes) => {
                self.position += changes.len() as u64;
                for change in &changes {
                    self.revision = change.object.revision;
                    let frame = self.event(change);
                    self.pending.extend(frame);
                }
                true
            }
            Err(compacted) => {
                self.refuse(&too_old(self.revision, compacted));
                true
            }
        }
    }

    /// What this watch sees of a change: objects enter and leave its selection.
    fn event(&mut self, change: &Change) -> Option<Bytes> {
        let before = change.previous.as_ref().filter(|previous| self.selector.matches(previous));
        let after = change.kind != ChangeKind::Deleted && self.selector.matches(&change.object);
        let kind = match (before, after) {
            (None, false) => return None,
            (None, true) => ChangeKind::Added,
            (Some(_), true) => ChangeKind::Modified,
            (Some(_), false) => ChangeKind::Deleted,
        };
        if kind == change.kind && self.encoder().is_stored_form() {
            return Some(change.frame());
        }
        if kind == ChangeKind::Deleted
            && change.kind != kind
            && let Some(before) = before
        {
            // It left the selection: shown as it was inside, at the resourceVersion of leaving.
            let mut value = before.value.clone();
            value["metadata"]["resourceVersion"] = change.object.value["metadata"]["resourceVersion"].clone();
            return Some(self.frame(kind.wire(), &Stored::new(value, change.object.revision)));
        }
        Some(self.frame(kind.wire(), &change.object))
    }

    fn frame(&mut self, kind: &str, object: &Stored) -> Bytes {
        let headers = !std::mem::replace(&mut self.headers_sent, true);
        event_frame(kind, &self.encoder().object_with(object, headers))
    }

    async fn sleep(&mut self) -> Wake {
        let until = self.bookmarks.as_ref().map_or(self.deadline, |b| b.next.min(self.deadline));
        tokio::select! {
            biased;
            () = self.context.stop.cancelled() => Wake::End,
            changed = self.context.cuts.changed() => {
                let now = *self.context.cuts.borrow_and_update();
                match changed {
                    Ok(()) if now.broken > self.cut.broken => Wake::Broken,
                    _ => Wake::End,
                }
            }
            changed = self.tip.changed() => if changed.is_ok() { Wake::Change } else { Wake::End },
            () = tokio::time::sleep_until(until) => Wake::Timer,
        }
    }

    /// Notes that a bookmark is due and ends the watch in time.
    fn keep_time(&mut self) {
        let now = Instant::now();
        if now >= self.deadline {
            self.ended = true;
            return;
        }
        let deadline = self.deadline;
        let Some(bookmarks) = &mut self.bookmarks else { return };
        if now < bookmarks.next {
            return;
        }
        let last = deadline.checked_sub(LAST_BOOKMARK).unwrap_or(deadline);
        bookmarks.next =
            if bookmarks.last_sent || now >= last { deadline } else { (now + bookmarks.every).min(last) };
        bookmarks.last_sent = now >= last;
        bookmarks.due = true;
    }

    /// Whether one was due. Bookmarks that fell due during a hold come as one.
    fn bookmark_if_due(&mut self) -> bool {
        let due = self.bookmarks.as_mut().is_some_and(|bookmarks| std::mem::take(&mut bookmarks.due));
        if due {
            self.bookmark(false);
        }
        due
    }

    fn bookmark(&mut self, initial_events_end: bool) {
        let object = self.encoder().bookmark(self.revision, initial_events_end);
        self.pending.push_back(event_frame("BOOKMARK", &object));
    }

    fn refuse(&mut self, refusal: &ApiError) {
        self.pending.push_back(event_frame("ERROR", refusal.to_status().to_string().as_bytes()));
        self.ended = true;
    }

    fn encoder(&self) -> Encoder<'_> {
        Encoder { kind: &self.context.kind, output: self.context.output, clock: &self.context.engine.clock }
    }
}

fn too_old(asked: u64, compacted: Compacted) -> ApiError {
    ApiError::expired(format!("too old resource version: {asked} ({})", compacted.oldest))
}
