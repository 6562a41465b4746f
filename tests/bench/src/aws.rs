//! The provider `aws` against moto behind a proxy that counts, in this order:
//!
//! - `create`: many Services at once, until each shows its host name and until the calls to AWS have ended;
//! - `sweep`: one resync interval in which nothing changes;
//! - `node`: a node joins, until it is registered in every target group;
//! - `restart`: the controller is stopped and started, until it has looked at every Service again;
//! - `delete`: all Services at once, until the last is gone; what is then left in the account is an error.
//!
//! The controller does not pace its calls (`--aws-limits none`), so the times say what Landfall and moto need, and
//! nothing about AWS; the numbers of calls are those that AWS would see.

use std::collections::BTreeMap;
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

/// How long nobody must have called AWS for the calls to have ended.
const QUIET: Duration = Duration::from_secs(3);

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

/// Runs all scenarios with this program.
pub(crate) async fn measure(landfall: &Path, args: &AwsArgs) -> Result<Report> {
    let mut world = World::new(landfall, args.nodes, Duration::from_secs(args.resync)).await?;
    let mut report = Report::default();
    report.add("create", create(&mut world, args.services).await?);
    report.add("sweep", sweep(&world, args).await?);
    report.add("node", node(&mut world, args.services).await?);
    let (now, peak) = world.controller()?.memory()?;
    report.add("memory", vec![Figure::mebibytes("resident", now), Figure::mebibytes("at the peak", peak)]);
    report.add("restart", restart(&mut world, args.services).await?);
    report.add("delete", delete(&mut world).await?);
    world.stop().await?;
    Ok(report)
}

async fn create(world: &mut World, services: usize) -> Result<Vec<Figure>> {
    let started = Instant::now();
    world.create(services)?;
    until("a host name for each", || Ok(world.named()? == services)).await?;
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

/// Counts one whole interval: every load balancer is looked at once or twice in it, by the spread of 10 %.
async fn sweep(world: &World, args: &AwsArgs) -> Result<Vec<Figure>> {
    let before = world.controller()?.converged().await?;
    world.proxy.clear();
    sleep(Duration::from_secs(args.resync) * 11 / 10).await;
    let looks = world.controller()?.converged().await? - before;
    ensure!(looks >= u64::try_from(args.services)?, "only {looks} looks in one interval");
    let mut figures = vec![Figure::count("load balancers looked at", looks)];
    figures.extend(calls(&world.proxy));
    Ok(figures)
}

async fn node(world: &mut World, services: usize) -> Result<Vec<Figure>> {
    world.proxy.clear();
    let started = Instant::now();
    world.add_nodes(1).await?;
    until("the node in each target group", || Ok(world.proxy.count(Action::RegisterTargets) >= services))
        .await?;
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
    let (controller, wanted) = (world.controller()?, u64::try_from(services)?);
    while controller.converged().await? < wanted {
        ensure!(controller.started.elapsed() < PATIENCE, "the controller did not look at everything");
        sleep(Duration::from_millis(20)).await;
    }
    let mut figures = vec![Figure::millis("until every Service was looked at", controller.started.elapsed())];
    quiet(&world.proxy).await?;
    figures.push(Figure::count("writes to the API server", world.server.journal().count_writes()));
    figures.extend(calls(&world.proxy));
    let (_, peak) = controller.memory()?;
    figures.push(Figure::mebibytes("memory at the peak", peak));
    Ok(figures)
}

async fn delete(world: &mut World) -> Result<Vec<Figure>> {
    world.proxy.clear();
    let started = Instant::now();
    world.delete()?;
    until("the end of all Services", || Ok(world.present()? == 0)).await?;
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

/// Waits until it is so.
async fn until(what: &str, holds: impl Fn() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    while !holds()? {
        ensure!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Waits until nobody has called AWS for a while. Returns when the last call came.
async fn quiet(proxy: &Proxy) -> Result<Instant> {
    let started = Instant::now();
    loop {
        let last = proxy.calls().last().map_or(started, |call| call.at);
        if last.elapsed() >= QUIET {
            return Ok(last);
        }
        ensure!(started.elapsed() < PATIENCE, "AWS is still called after {PATIENCE:?}");
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
