//! The flags of `landfall controller`. Each is also an environment variable; a flag beats it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, RangedU64ValueParser, TypedValueParser};
use clap::{Args, value_parser};
use landfall_controller::Config;
use landfall_core::ids::{ClassName, ClusterId};
use landfall_runtime::client::ClientOptions;
use landfall_runtime::telemetry::LogFormat;

use crate::values::{duration_from, namespace};
use crate::wire::ProviderArgs;

const SHORTEST_RESYNC: Duration = Duration::from_secs(10);

/// Run the controller: watch Services, drive the providers, report back.
///
/// Several replicas may run: one leads, the others stand by. SIGTERM or SIGINT ends it in order: work in flight is
/// finished, then the lease is released; a second signal ends it at once.
#[derive(Debug, Args)]
pub(crate) struct ControllerArgs {
    #[command(flatten)]
    pub(crate) providers: ProviderArgs,

    /// Name of the class that serves Services without spec.loadBalancerClass; without it such Services are left
    /// alone, unless a LoadBalancerClass has spec.default
    #[arg(long, env = "LANDFALL_DEFAULT_CLASS", value_name = "CLASS")]
    pub(crate) default_class: Option<ClassName>,

    /// Names this cluster in ownership marks; clusters that share a cloud account must differ
    #[arg(long, env = "LANDFALL_CLUSTER_ID", value_name = "ID", default_value = "default")]
    pub(crate) cluster_id: ClusterId,

    /// Serve only the Services of this namespace [default: all namespaces]
    #[arg(long, env = "LANDFALL_NAMESPACE", value_parser = namespace)]
    pub(crate) namespace: Option<String>,

    /// Write only while holding the Lease landfall-controller; switch it off only where one process runs
    #[arg(long, env = "LANDFALL_LEADER_ELECT", value_name = "BOOL", default_value_t = true, num_args = 0..=1,
          default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set)]
    pub(crate) leader_elect: bool,

    /// Namespace of the Lease [default: that of the service account or of the kubeconfig context]
    #[arg(long, env = "LANDFALL_LEASE_NAMESPACE", value_name = "NAMESPACE", value_parser = namespace)]
    pub(crate) lease_namespace: Option<String>,

    /// Address of /livez, /readyz, /metrics and /log-level (no authentication; port 0 picks a free one)
    #[arg(long, env = "LANDFALL_ADMIN_ADDR", value_name = "IP:PORT", default_value = "0.0.0.0:8080")]
    pub(crate) admin_addr: SocketAddr,

    /// How often each load balancer is compared with the provider's side although nothing changed, 10s or more;
    /// spread by 10 %
    #[arg(long, env = "LANDFALL_RESYNC", value_name = "DURATION", default_value = "10m",
          value_parser = duration_from(SHORTEST_RESYNC))]
    pub(crate) resync: Duration,

    /// Load balancers that are worked on at the same time, per provider, 1 to 1024
    #[arg(long, env = "LANDFALL_WORKERS", value_name = "COUNT", default_value_t = 16,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_024))]
    pub(crate) workers: usize,

    /// Delete what carries this cluster's ownership marks and belongs to no Service; without it, it is only reported
    #[arg(long, env = "LANDFALL_COLLECT_ORPHANS", value_name = "BOOL", default_value_t = false, num_args = 0..=1,
          default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set)]
    pub(crate) collect_orphans: bool,

    /// How long something must have been an orphan before --collect-orphans deletes it
    #[arg(long, env = "LANDFALL_ORPHAN_GRACE", value_name = "DURATION", default_value = "1h",
          value_parser = duration_from(Duration::ZERO))]
    pub(crate) orphan_grace: Duration,

    /// How long work in flight may go on after SIGTERM; keep it below the pod's terminationGracePeriodSeconds
    #[arg(long, env = "LANDFALL_SHUTDOWN_GRACE", value_name = "DURATION", default_value = "20s",
          value_parser = duration_from(Duration::from_secs(1)))]
    pub(crate) shutdown_grace: Duration,

    /// How log lines look; they go to standard error
    #[arg(long, env = "LANDFALL_LOG_FORMAT", value_name = "FORMAT", default_value = "plain",
          value_parser = PossibleValuesParser::new(["plain", "json"]).try_map(|text| text.parse::<LogFormat>()))]
    pub(crate) log_format: LogFormat,

    /// Log filter: comma separated LEVEL or TARGET=LEVEL, such as info,landfall_controller=debug; PUT /log-level
    /// changes it while the process runs
    #[arg(long, env = "LANDFALL_LOG", value_name = "FILTER", default_value = "info")]
    pub(crate) log: String,

    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Where the cluster is.
#[derive(Debug, Args)]
pub(crate) struct ClientArgs {
    /// Kubeconfig file [default: $KUBECONFIG, then ~/.kube/config, then the service account of the pod]
    #[arg(long, env = "LANDFALL_KUBECONFIG", value_name = "FILE", value_parser = value_parser!(PathBuf))]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig [default: its current one]
    #[arg(long, env = "LANDFALL_CONTEXT", value_name = "NAME")]
    pub(crate) context: Option<String>,
}

impl ClientArgs {
    /// As the runtime wants it.
    pub(crate) fn options(&self) -> ClientOptions {
        ClientOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            user_agent: concat!("landfall/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl ControllerArgs {
    /// The settings of the controller.
    pub(super) fn config(&self) -> Config {
        Config {
            default_class: self.default_class.clone(),
            namespace: self.namespace.clone(),
            resync: self.resync,
            workers: self.workers,
            collect_orphans: self.collect_orphans,
            orphan_grace: self.orphan_grace,
            ..Config::new(self.cluster_id.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use rstest::rstest;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        args: ControllerArgs,
    }

    fn parsed(line: &str) -> Result<ControllerArgs, clap::Error> {
        Program::try_parse_from(std::iter::once("landfall").chain(line.split_whitespace())).map(|p| p.args)
    }

    #[test]
    fn the_defaults_of_the_flags_are_those_of_the_controller() {
        let config = parsed("").unwrap().config();
        let own = Config::new(ClusterId::new("default").unwrap());
        assert_eq!(format!("{config:?}"), format!("{own:?}"));
    }

    #[test]
    fn every_flag_reaches_the_configuration() {
        let line = "--default-class gold --namespace shop --resync 1m --workers 3 --cluster-id east \
                    --collect-orphans --orphan-grace 5m --leader-elect=false";
        let args = parsed(line).unwrap();
        let config = args.config();
        assert_eq!(config.default_class, ClassName::new("gold").ok());
        assert_eq!(config.namespace.as_deref(), Some("shop"));
        assert_eq!((config.resync, config.workers), (Duration::from_mins(1), 3));
        assert_eq!((config.collect_orphans, config.orphan_grace), (true, Duration::from_mins(5)));
        assert_eq!(config.cluster.as_str(), "east");
        assert!(!args.leader_elect);
    }

    #[rstest]
    #[case("--providers azure", "azure", "compiled in:")]
    #[case("--providers=", "''", "compiled in:")]
    #[case("--default-class Gold", "Gold", "lower-case letters")]
    #[case("--cluster-id a_b", "a_b", "1 to 63 characters")]
    #[case("--namespace A", "'A'", "1 to 63 characters")]
    #[case("--resync 5s", "5s", "from 10s")]
    #[case("--workers 0", "'0'", "1..=1024")]
    #[case("--leader-elect=maybe", "maybe", "true, false")]
    #[case("--log-format xml", "xml", "plain, json")]
    #[case("--admin-addr 8080", "8080", "socket address")]
    #[case("--shutdown-grace 0s", "0s", "from 1s")]
    fn a_bad_value_is_told_with_flag_value_and_what_is_accepted(
        #[case] line: &str,
        #[case] value: &str,
        #[case] accepted: &str,
    ) {
        let error = parsed(line).unwrap_err().to_string();
        let flag = line.split(['=', ' ']).next().unwrap();
        for part in [flag, value, accepted] {
            assert!(error.contains(part), "{part:?} is missing in: {error}");
        }
    }
}
