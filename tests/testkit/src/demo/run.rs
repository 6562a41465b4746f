//! One run: cluster, controller, Services, and what comes of them.

use std::io::{self, Stdout};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::TryFutureExt;
use kube::Client;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::board::Board;
use crate::cluster::Cluster;
use crate::controller::{self, Controller};
use crate::error::DemoError;
use crate::events::{self, Event};
use crate::folder::Folder;
use crate::hints::hints;
use crate::manifests;
use crate::options::Options;
use crate::screen::Screen;
use crate::table;

/// Runs the demo to its end, which is a signal or, with `--once`, success. Leaves nothing behind but, after a
/// failure, the controller's log.
pub(crate) async fn run(options: Options) -> Result<(), DemoError> {
    let mut signals = Signals::new().map_err(DemoError::io("listening for signals"))?;
    let program = controller::program(options.landfall.clone())?;
    let folder = Folder::open(options.dir.as_deref(), options.once)?;
    let ended = with_cluster(&options, &program, &folder, &mut signals).await;
    let ended = ended.map_err(|problem| folder.explain(problem));
    let cleaned = folder.clean(ended.is_ok());
    ended.and(cleaned)
}

async fn with_cluster(
    options: &Options,
    program: &Path,
    folder: &Folder,
    signals: &mut Signals,
) -> Result<(), DemoError> {
    let cluster = Cluster::start(options.port).await?;
    folder.write_kubeconfig(&cluster.kubeconfig())?;
    let mut controller = Controller::start(program, folder)?;
    let mut show = Show {
        screen: Screen::stdout(),
        options,
        hints: hints(&folder.kubeconfig(), &folder.log(), controller.admin()),
    };
    show.introduce(&cluster, folder)?;
    let (client, admin) = (cluster.client()?, controller.admin());
    let ended = tokio::select! {
        ended = show.play(client, admin) => ended,
        problem = controller.died() => Err(problem),
        () = signals.received() => if options.once { Err(DemoError::Interrupted) } else { Ok(()) },
    };
    let stopped = controller.stop().await;
    ended.and(stopped)
}

/// What the user sees.
struct Show<'a> {
    screen: Screen<Stdout>,
    options: &'a Options,
    hints: String,
}

impl Show<'_> {
    fn introduce(&mut self, cluster: &Cluster, folder: &Folder) -> Result<(), DemoError> {
        let lines = [
            format!("API server      http://{}", cluster.addr()),
            format!("Kubeconfig      {}", folder.kubeconfig().display()),
            format!("Controller log  {}", folder.log().display()),
            String::new(),
        ];
        self.screen.print(lines).map_err(output)
    }

    /// Creates the Services and shows what happens. Ends with `--once`, else only by a failure.
    async fn play(&mut self, client: Client, admin: SocketAddr) -> Result<(), DemoError> {
        let timeout = self.options.timeout;
        let deadline = tokio::time::Instant::now() + timeout;
        let planned = manifests::services()?;
        let mut board = Board::new(&planned);
        tokio::time::timeout_at(deadline, controller::ready(admin))
            .await
            .map_err(|_| not_ready(timeout))??;
        let (sender, mut receiver) = unbounded_channel();
        let pause = self.options.pause(self.screen.is_live());
        let creating = events::create(client.clone(), planned, pause, sender.clone());
        let creating = creating.and_then(|()| std::future::pending::<Result<(), DemoError>>());
        let showing = async {
            let settling = tokio::time::timeout_at(deadline, self.settle(&mut board, &mut receiver)).await;
            self.judge(&board, settling)?;
            if self.options.once {
                return Ok(());
            }
            self.screen.print([&self.hints]).map_err(output)?;
            self.follow(&mut board, &mut receiver).await
        };
        tokio::select! {
            shown = showing => shown,
            created = creating => created,
            () = events::watch(client, sender) => Err(DemoError::WatchEnded),
        }
    }

    /// Shows what happens until every Service has what it is to get.
    async fn settle(&mut self, board: &mut Board, events: &mut Events) -> Result<(), DemoError> {
        if !self.screen.is_live() {
            self.screen.print([table::header()]).map_err(output)?;
        }
        while !board.is_settled() {
            let (at, event) = events.recv().await.ok_or(DemoError::WatchEnded)?;
            if self.screen.is_live() {
                board.apply(at, &event);
                let picture = picture(board, self.screen.width());
                self.screen.draw(&picture).map_err(output)?;
            } else {
                self.tell(board, at, &event)?;
            }
        }
        Ok(())
    }

    /// What follows from how the settling ended: a summary, or the report of who is missing.
    fn judge(&mut self, board: &Board, settling: Settling) -> Result<(), DemoError> {
        let Ok(settled) = settling else {
            let report = late(board, self.options.timeout);
            if self.options.once {
                return Err(DemoError::Timeout(report));
            }
            return self.screen.print([report.as_str(), ""]).map_err(output);
        };
        settled?;
        let breaches = board.breaches();
        if !breaches.is_empty() {
            return Err(DemoError::Breach(breaches.join("\n")));
        }
        self.screen.print(["", &summary(&board.times()), ""]).map_err(output)
    }

    /// Shows what others change, line by line.
    async fn follow(&mut self, board: &mut Board, events: &mut Events) -> Result<(), DemoError> {
        loop {
            let (at, event) = events.recv().await.ok_or(DemoError::WatchEnded)?;
            self.tell(board, at, &event)?;
        }
    }

    /// One line if the event changed what is to be seen; the reason alone where there is one.
    fn tell(&mut self, board: &mut Board, at: Instant, event: &Event) -> Result<(), DemoError> {
        let width = self.screen.width();
        let lines = match (event, board.apply(at, event)) {
            (Event::Gone((namespace, name)), _) => vec![format!("{namespace}/{name} is gone")],
            (_, Some(row)) if row.refusal.is_some() => table::note(row, width),
            (_, Some(row)) => vec![table::line(row)],
            (_, None) => Vec::new(),
        };
        self.screen.print(lines).map_err(output)
    }
}

type Events = UnboundedReceiver<(Instant, Event)>;
type Settling = Result<Result<(), DemoError>, tokio::time::error::Elapsed>;

/// The whole table with its notes.
fn picture(board: &Board, width: usize) -> Vec<String> {
    let rows = board.rows().map(table::line);
    let notes = board.rows().flat_map(|row| table::note(row, width));
    std::iter::once(table::header()).chain(rows).chain(notes).collect()
}

fn summary(times: &[Duration]) -> String {
    let (Some(median), Some(slowest)) = (times.get(times.len() / 2), times.last()) else {
        return "Services with address: 0.".to_owned();
    };
    format!(
        "Services with address: {}. Time to address: median {}, slowest {}.",
        times.len(),
        table::time(*median),
        table::time(*slowest)
    )
}

fn late(board: &Board, timeout: Duration) -> String {
    let missing = board.missing();
    let what =
        if missing.is_empty() { "not every Service was created".to_owned() } else { missing.join("\n") };
    format!("After {} s not everything is as it should be:\n{what}", timeout.as_secs())
}

fn not_ready(timeout: Duration) -> DemoError {
    DemoError::Timeout(format!("the controller is not ready after {} s", timeout.as_secs()))
}

fn output(source: io::Error) -> DemoError {
    DemoError::Io { what: "writing to standard output".to_owned(), source }
}

/// What ends the demo in order: Ctrl-C, `kill`, and the end of the terminal.
struct Signals([Signal; 3]);

impl Signals {
    fn new() -> io::Result<Self> {
        let [interrupt, terminate, hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        Ok(Self([interrupt?, terminate?, hangup?]))
    }

    async fn received(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[], "Services with address: 0.")]
    #[case(&[3], "Services with address: 1. Time to address: median 3 ms, slowest 3 ms.")]
    #[case(&[1, 2, 9], "Services with address: 3. Time to address: median 2 ms, slowest 9 ms.")]
    fn summaries(#[case] milliseconds: &[u64], #[case] text: &str) {
        let times: Vec<Duration> = milliseconds.iter().copied().map(Duration::from_millis).collect();
        assert_eq!(summary(&times), text);
    }

    #[test]
    fn the_report_names_who_is_missing() {
        let planned = manifests::services().unwrap();
        let report = late(&Board::new(&planned), Duration::from_mins(1));
        assert_eq!(report.lines().count(), 1 + planned.len());
        assert!(
            report.starts_with("After 60 s") && report.contains("infra/dual has 0 of 2 addresses"),
            "{report}"
        );
    }
}
