//! `landfall plan`: a dry run of manifests.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use landfall_core::ids::{ClassName, ClusterId};
use landfall_runtime::client;
use landfall_runtime::health::Health;
use landfall_runtime::metrics::Metrics;

use crate::cmd::controller::ClientArgs;
use crate::out::{self, Usage};
use crate::plan::report::Report;
use crate::plan::world::{Inputs, build};
use crate::plan::{Objects, decide, live, manifest, text};
use crate::values::namespace;
use crate::wire::{self, ProviderArgs, Setup};

/// Show what the controller would do if these manifests were applied. Nothing is changed.
///
/// Services, Namespaces, Nodes, EndpointSlices, LoadBalancerClasses and AddressPools are read, from the files and,
/// unless --offline, from the cluster; a Service of a file takes the place of the one in the cluster and keeps what
/// the API server gave that one. Exit code 1 if something cannot be served.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// File, directory (its .yaml, .yml and .json files) or - for standard input; may be given several times
    #[arg(short = 'f', long = "filename", value_name = "PATH", required = true)]
    filename: Vec<PathBuf>,

    /// Namespace of objects that name none
    #[arg(short, long, env = "LANDFALL_PLAN_NAMESPACE", default_value = "default", value_parser = namespace)]
    namespace: String,

    /// Read the manifests only, no cluster; statuses and uids in them count
    #[arg(long, env = "LANDFALL_OFFLINE")]
    offline: bool,

    /// How the plan is printed
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    output: Format,

    #[command(flatten)]
    providers: ProviderArgs,

    /// Name of the class that serves Services without spec.loadBalancerClass, as the controller has it
    #[arg(long, env = "LANDFALL_DEFAULT_CLASS", value_name = "CLASS")]
    default_class: Option<ClassName>,

    /// Names this cluster in ownership marks, as the controller has it
    #[arg(long, env = "LANDFALL_CLUSTER_ID", value_name = "ID", default_value = "default")]
    cluster_id: ClusterId,

    #[command(flatten)]
    client: ClientArgs,
}

/// How a plan is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A diff for people.
    Text,
    /// One JSON object.
    Json,
}

/// Prints the plan. Exit code 1 if a manifest cannot be read or a wish not be served.
pub(crate) fn run(args: &PlanArgs) -> Result<ExitCode> {
    if args.filename.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Usage("-f -: standard input can be read only once".to_owned()).into());
    }
    let manifest::Manifests { objects, notes, errors } =
        manifest::parse(&manifest::read(&args.filename)?, &args.namespace);
    if !errors.is_empty() {
        let rows: Vec<String> = errors.iter().map(|error| format!("landfall: {error}\n")).collect();
        io::stderr().write_all(rows.concat().as_bytes())?;
        return Ok(ExitCode::FAILURE);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let report = runtime.context("cannot start a runtime")?.block_on(plan(args, objects, notes))?;
    out::print(&match args.output {
        Format::Json => serde_json::to_string_pretty(&report)? + "\n",
        Format::Text => {
            let no_color = std::env::var("NO_COLOR").ok();
            text::render(&report, text::colours(io::stdout().is_terminal(), no_color.as_deref()))
        }
    })?;
    Ok(if report.is_fine() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn plan(args: &PlanArgs, manifests: Objects, mut notes: Vec<String>) -> Result<Report> {
    let live = if args.offline {
        None
    } else {
        let clients = client::connect(&args.client.options()).await?;
        Some(live::read(&clients.watches, &mut notes).await?)
    };
    // Nobody looks at what is counted: the program ends with the plan.
    let (metrics, health) = (Metrics::new("landfall", env!("CARGO_PKG_VERSION")), Health::new());
    let setup = Setup { cluster: &args.cluster_id, dry_run: true, metrics: &metrics, health: &health };
    let providers = wire::connect(&args.providers, &setup).await?;
    let default_class = args.default_class.clone();
    let world = build(Inputs { manifests, live, providers, default_class, now: Timestamp::now() });
    let mut report = decide::decide(&world).await;
    report.notes.splice(0..0, notes);
    Ok(report)
}
