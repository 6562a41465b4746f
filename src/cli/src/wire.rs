//! The one place that names providers: which are compiled in, how they are chosen, and how each is made.
//!
//! A provider is a cargo feature of this crate and one line in [`COMPILED`].

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::Args;
use landfall_core::ids::{ClusterId, ProviderName};
use landfall_core::provider::Provider;
use landfall_runtime::health::Health;
use landfall_runtime::metrics::Metrics;

#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "gcp")]
mod gcp;

/// Which providers run, and how each reaches what it works on.
#[derive(Debug, Args)]
pub(crate) struct ProviderArgs {
    /// Providers to use, comma separated; clouds only if they are named [default: metal]
    #[arg(long, env = "LANDFALL_PROVIDERS", value_name = "LIST", value_delimiter = ',', value_parser = parse)]
    providers: Vec<Compiled>,

    #[cfg(feature = "aws")]
    #[command(flatten)]
    aws: aws::AwsArgs,

    #[cfg(feature = "gcp")]
    #[command(flatten)]
    gcp: gcp::GcpArgs,
}

/// What a provider is made from.
#[cfg_attr(
    not(any(feature = "aws", feature = "gcp")),
    expect(dead_code, reason = "only clouds need any of it")
)]
pub(crate) struct Setup<'a> {
    /// Names this cluster in ownership marks.
    pub(crate) cluster: &'a ClusterId,
    /// Whether it only plans: it then trusts nothing that it has read before.
    pub(crate) dry_run: bool,
    /// Where it registers what it counts.
    pub(crate) metrics: &'a Metrics,
    /// Where it tells that it cannot work.
    pub(crate) health: &'a Health,
}

/// A provider that this program was compiled with.
#[derive(Clone, Copy)]
pub(crate) struct Compiled {
    name: ProviderName,
    /// Whether it runs where nobody says which: only if it works without an account of anybody.
    by_default: bool,
    connect: for<'a> fn(&'a ProviderArgs, &'a Setup<'a>) -> Connecting<'a>,
}

type Connecting<'a> = Pin<Box<dyn Future<Output = Result<Arc<dyn Provider>>> + Send + 'a>>;

/// Every provider of this program, in the order they are listed to people.
const COMPILED: &[Compiled] = &[
    #[cfg(feature = "aws")]
    Compiled {
        name: ProviderName::Aws,
        by_default: false,
        connect: |args, setup| Box::pin(aws::connect(&args.aws, setup)),
    },
    #[cfg(feature = "gcp")]
    Compiled {
        name: ProviderName::Gcp,
        by_default: false,
        connect: |args, setup| Box::pin(gcp::connect(&args.gcp, setup)),
    },
    #[cfg(feature = "metal")]
    Compiled {
        name: ProviderName::Metal,
        by_default: true,
        connect: |_, _| {
            Box::pin(async { Ok(Arc::new(landfall_metal::MetalProvider::new()) as Arc<dyn Provider>) })
        },
    },
];

/// Makes the providers chosen. Those that were not chosen are not connected, so that nobody needs what they need.
pub(crate) async fn connect(args: &ProviderArgs, setup: &Setup<'_>) -> Result<Vec<Arc<dyn Provider>>> {
    let mut providers = Vec::new();
    for one in chosen(&args.providers)? {
        let provider = (one.connect)(args, setup).await;
        providers.push(provider.with_context(|| format!("--providers {}", one.name))?);
    }
    Ok(providers)
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)
    }
}

/// One name of `--providers`.
fn parse(text: &str) -> Result<Compiled, String> {
    COMPILED.iter().copied().find(|one| one.name.as_str() == text.trim()).ok_or_else(|| {
        if ProviderName::ALL.iter().any(|name| name.as_str() == text.trim()) {
            format!("it is not compiled into this program; compiled in: {}", names())
        } else {
            format!("there is no such provider; compiled in: {}", names())
        }
    })
}

/// The providers chosen, each once; if none was named, those that need no account. Fails if there is none at all.
fn chosen(named: &[Compiled]) -> Result<Vec<Compiled>> {
    ensure!(
        !COMPILED.is_empty(),
        "this program was compiled without any provider (cargo features: aws, gcp, metal)"
    );
    let asked = |one: &&Compiled| {
        if named.is_empty() { one.by_default } else { named.iter().any(|other| other.name == one.name) }
    };
    let chosen: Vec<Compiled> = COMPILED.iter().filter(asked).copied().collect();
    ensure!(!chosen.is_empty(), "--providers: name at least one; compiled in: {}", names());
    Ok(chosen)
}

fn names() -> String {
    COMPILED.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        args: ProviderArgs,
    }

    fn args(line: &str) -> ProviderArgs {
        Program::try_parse_from(std::iter::once("landfall").chain(line.split_whitespace())).unwrap().args
    }

    async fn made(line: &str) -> Result<Vec<ProviderName>> {
        made_for(line, false).await
    }

    async fn made_for(line: &str, dry_run: bool) -> Result<Vec<ProviderName>> {
        let (cluster, metrics, health) =
            (ClusterId::new("default").unwrap(), Metrics::new("landfall", "0"), Health::new());
        let setup = Setup { cluster: &cluster, dry_run, metrics: &metrics, health: &health };
        let providers = connect(&args(line), &setup).await?;
        Ok(providers.iter().map(|provider| provider.name()).collect())
    }

    #[cfg(feature = "metal")]
    #[tokio::test]
    async fn without_a_name_only_those_run_that_need_no_account() {
        assert_eq!(made("").await.unwrap(), [ProviderName::Metal]);
        assert_eq!(made("--providers metal,metal").await.unwrap(), [ProviderName::Metal], "once");
    }

    #[cfg(feature = "aws")]
    #[tokio::test]
    async fn every_provider_named_is_made() {
        let line = "--providers aws --aws-region eu-central-1 --aws-endpoint http://127.0.0.1:1";
        assert_eq!(
            made(line).await.unwrap(),
            [ProviderName::Aws],
            "and nothing is called before the first wish"
        );
        let error = made("--providers aws --aws-region nowhere/1").await.unwrap_err();
        let text = format!("{error:#}");
        assert!(text.starts_with("--providers aws: ") && text.contains("nowhere/1"), "{text}");
    }

    #[cfg(feature = "gcp")]
    #[tokio::test]
    async fn gcp_needs_no_machine_of_googles_but_to_know_where_it_is() {
        let nowhere = "--providers gcp --gcp-endpoint http://127.0.0.1:1";
        let somewhere = format!("{nowhere} --gcp-project p --gcp-region r");
        assert_eq!(made(&somewhere).await.unwrap(), [ProviderName::Gcp]);
        let told = format!("{:#}", made(nowhere).await.unwrap_err());
        assert!(told.contains("set --gcp-project (LANDFALL_GCP_PROJECT) and --gcp-region"), "{told}");
        assert_eq!(made_for(nowhere, true).await.unwrap(), [ProviderName::Gcp], "nodes tell a plan");
        let error = made("--providers gcp --gcp-region nowhere/1").await.unwrap_err();
        let text = format!("{error:#}");
        assert!(text.starts_with("--providers gcp: ") && text.contains("nowhere/1"), "{text}");
    }

    #[test]
    fn an_unknown_provider_and_one_that_is_not_compiled_in_are_told_apart() {
        assert!(parse("azure").unwrap_err().contains("no such provider"));
        assert!(parse("memory").unwrap_err().contains("not compiled into"));
    }
}
