//! The provider `aws` against moto behind a proxy that counts, in this order:
//!
//! - `create`: many Services at once, until each shows its host name and until the calls to AWS have ended;
//! - `sweep`: one resync interval in which nothing changes;
//! - `node`: a node joins, until it is registered in every target group;
//! - `restart`: the controller is stopped and started, until it has looked at every Service again; then the reads by
//!   which it verifies what no list tells, at a slow pace that goes on for an hour and more;
//! - `delete`: all Services at once, until the last is gone; what is then left in the account is an error.
//!
//! The controller does not pace its calls (`--aws-limits none`), so the times say what Landfall and moto need, and
//! nothing about AWS; the numbers of calls are those that AWS would see.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use landfall_aws::api::Action;
use landfall_aws::api::elb::{Elb, WhichBalancers, WhichGroups};
use landfall_aws::sdk::ElbClient;
use landfall_testkit::aws::proxy::{Call, Proxy, Service as Endpoint};
use tokio::time::{Instant, sleep};

use crate::figures::{Figure, Report};
use world::World;

mod world;

/// Longest wait for one scenario.
const PATIENCE: Duration = Duration::from_mins(15);

/// How long nobody must have called AWS for the calls to have ended: the health of new targets is asked for after 15 s.
const QUIET: Duration = Duration::from_secs(20);

/// How long the reads after a restart are counted.
const VERIFYING: Duration = Duration::from_secs(30);

/// How often progress is told, on standard error.
const TOLD: Duration = Duration::from_secs(5);

/// Measure the provider `aws` against moto; calls are not paced.
#[derive(Debug, clap::Args)]
pub(crate) struct AwsArgs {
    /// Services of one port, each with a load balancer of its own; at most 2,500, by the node ports.
    #[arg(long, default_value_t = 1_000)]
    services: usize,
    /// Nodes in the cluster.
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// The controller's resync interval, in seconds.
    #[arg(long, default_value_t = 60)]
    resync: u64,
}

/// Runs all scenarios with this program, and prints the figures of each as it ends.
pub(crate) async fn measure(landfall: &Path, args: &AwsArgs) -> Result<()> {
    let mut world = World::new(landfall, args.nodes, Duration::from_secs(args.resync)).await?;
    let report = Report::begin()?;
    report.add("create", &create(&mut world, args.services).await?)?;
    report.add("sweep", &sweep(&world, args).await?)?;
    report.add("node", &node(&mut world, args.services).await?)?;
    let (now, peak) = world.controller()?.memory()?;
    report.add("memory", &[Figure::mebibytes("resident", now), Figure::mebibytes("at the peak", peak)])?;
    report.add("restart", &restart(&mut world, args.services).await?)?;
    report.add("verification", &verification(&world).await?)?;
    report.add("delete", &delete(&mut world).await?)?;
    world.stop().await
}

async fn create(world: &mut World, services: usize) -> Result<Vec<Figure>> {
    let started = Instant::now();
    world.create(services)?;
    until("Services with a host name", services, || world.named()).await?;
    let named = started.elapsed();
    let settled = quiet(&world.proxy).await?.saturating_duration_since(started);
    let mut figures = vec![
        Figure::count("Services", services),
        Figure::millis("until all had a host name", named),
        Figure::millis("until the calls ended", settled),
    ];
    figures.extend(calls(&world.proxy));
    Ok(figures)
}

/// Counts one whole interval, in which every load balancer is looked at, once or twice by the spread of 10 %; longer if
/// the looks take longer.
async fn sweep(world: &World, args: &AwsArgs) -> Result<Vec<Figure>> {
    let before = world.controller()?.converged().await?;
    world.proxy.clear();
    let started = Instant::now();
    sleep(Duration::from_secs(args.resync) * 11 / 10).await;
    let mut progress = Progress::new("load balancers looked at", args.services);
    let looks = async || Ok::<_, anyhow::Error>(world.controller()?.converged().await? - before);
    while !progress.is_done(usize::try_from(looks().await?)?)? {
        sleep(Duration::from_millis(100)).await;
    }
    let mut figures = vec![
        Figure::count("load balancers looked at", looks().await?),
        Figure::millis("within", started.elapsed()),
    ];
    figures.extend(calls(&world.proxy));
    Ok(figures)
}

async fn node(world: &mut World, services: usize) -> Result<Vec<Figure>> {
    world.proxy.clear();
    let started = Instant::now();
    world.add_nodes(1).await?;
    let registered =
        |call: &Call| call.action == Action::RegisterTargets.as_str() && call.status == Some(200);
    let groups = || Ok(world.proxy.calls().into_iter().filter(registered).count());
    until("target groups with the node", services, groups).await?;
    let settled = quiet(&world.proxy).await?.saturating_duration_since(started);
    let mut figures = vec![Figure::millis("until it was registered everywhere", settled)];
    figures.extend(calls(&world.proxy));
    Ok(figures)
}

async fn restart(world: &mut World, services: usize) -> Result<Vec<Figure>> {
    world.halt().await?;
    world.proxy.clear();
    world.server.journal().clear();
    world.start().await?;
    let controller = world.controller()?;
    let mut progress = Progress::new("Services looked at", services);
    while !progress.is_done(usize::try_from(controller.converged().await?)?)? {
        sleep(Duration::from_millis(20)).await;
    }
    let mut figures = vec![Figure::millis("until every Service was looked at", controller.started.elapsed())];
    figures.push(Figure::count("writes to the API server", world.server.journal().count_writes()));
    figures.extend(calls(&world.proxy));
    let (_, peak) = controller.memory()?;
    figures.push(Figure::mebibytes("memory at the peak", peak));
    Ok(figures)
}

/// Counts for a while what is read after a restart besides the lists.
async fn verification(world: &World) -> Result<Vec<Figure>> {
    world.proxy.clear();
    sleep(VERIFYING).await;
    let mut figures = vec![Figure::count("seconds", VERIFYING.as_secs())];
    figures.extend(calls(&world.proxy));
    Ok(figures)
}

async fn delete(world: &mut World) -> Result<Vec<Figure>> {
    world.proxy.clear();
    let (started, services) = (Instant::now(), world.present()?);
    world.delete()?;
    until("Services gone", services, || Ok(services - world.present()?)).await?;
    let mut figures = vec![Figure::millis("until all were gone", started.elapsed())];
    figures.extend(calls(&world.proxy));
    let elb = ElbClient::new(&world.proxy.config().await?);
    let balancers = elb.load_balancers(&WhichBalancers::All, None).await?.items.len();
    let groups = elb.target_groups(&WhichGroups::All, None).await?.items.len();
    ensure!(balancers + groups == 0, "{balancers} load balancers and {groups} target groups are left");
    let guards = world.guards().await?;
    ensure!(guards == 0, "{guards} security groups are left");
    Ok(figures)
}

/// Waits until there are so many.
async fn until(what: &'static str, wanted: usize, count: impl Fn() -> Result<usize>) -> Result<()> {
    let mut progress = Progress::new(what, wanted);
    while !progress.is_done(count()?)? {
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Tells how far a scenario is, now and then.
struct Progress {
    what: &'static str,
    wanted: usize,
    started: Instant,
    told: Instant,
}

impl Progress {
    fn new(what: &'static str, wanted: usize) -> Self {
        let now = Instant::now();
        Self { what, wanted, started: now, told: now }
    }

    /// Whether there are as many as wanted; fails when that takes too long.
    fn is_done(&mut self, count: usize) -> Result<bool> {
        let Self { what, wanted, started, .. } = *self;
        ensure!(started.elapsed() < PATIENCE, "{what}: {count} of {wanted} after {PATIENCE:?}");
        if self.told.elapsed() >= TOLD {
            self.told = Instant::now();
            let seconds = started.elapsed().as_secs();
            writeln!(std::io::stderr(), "{what}: {count} of {wanted} after {seconds} s")?;
        }
        Ok(count >= wanted)
    }
}

/// Waits until nobody has called AWS for a while. Returns when the last call came.
async fn quiet(proxy: &Proxy) -> Result<Instant> {
    let started = Instant::now();
    loop {
        let last = proxy.calls().last().map_or(started, |call| call.at);
        if last.elapsed() >= QUIET {
            return Ok(last);
        }
        ensure!(
            started.elapsed() < PATIENCE,
            "AWS is still called after {PATIENCE:?}: {:?}",
            tally(&proxy.calls())
        );
        sleep(Duration::from_millis(100)).await;
    }
}

/// The calls so far: per service, those that change, and each action.
fn calls(proxy: &Proxy) -> Vec<Figure> {
    tally(&proxy.calls())
}

fn tally(calls: &[Call]) -> Vec<Figure> {
    let of = |endpoint: Endpoint| calls.iter().filter(|call| call.service == endpoint).count();
    let mut actions = BTreeMap::<&str, usize>::new();
    for call in calls {
        *actions.entry(&call.action).or_default() += 1;
    }
    let actions: Vec<String> =
        actions.into_iter().map(|(action, count)| format!("{count} {action}")).collect();
    vec![
        Figure::count("calls to ELBv2", of(Endpoint::Elb)),
        Figure::count("calls to EC2", of(Endpoint::Ec2)),
        Figure::count("of them changes", calls.iter().filter(|call| call.is_write()).count()),
        Figure::count("which", if actions.is_empty() { "none".to_owned() } else { actions.join(", ") }),
    ]
}
