//! A report for people: a diff, then what is refused, then the counts.

use std::fmt::Write;

use landfall_core::outcome::Ingress;

use super::report::{Balancer, MemberLine, Report, Summary};

/// Whether colours are wanted (<https://no-color.org>: any non-empty `NO_COLOR` says no).
pub(crate) fn colours(is_terminal: bool, no_color: Option<&str>) -> bool {
    is_terminal && no_color.unwrap_or_default().is_empty()
}

/// The report as text.
pub(crate) fn render(report: &Report, colours: bool) -> String {
    let mut page = Page { text: String::new(), colours };
    for balancer in &report.balancers {
        page.balancer(balancer);
    }
    for refusal in &report.refused {
        let whose = refusal.member.as_ref().map(|key| format!("{key}: ")).unwrap_or_default();
        page.row(Colour::Red, &format!("refused: {whose}{refusal} ({})", refusal.category));
    }
    for one in &report.not_served {
        page.row(Colour::None, &format!("not served: {}: {}", one.service, one.reason));
    }
    for note in &report.notes {
        page.row(Colour::None, &format!("note: {note}"));
    }
    page.row(Colour::None, &summary(&report.summary));
    page.text
}

fn summary(summary: &Summary) -> String {
    let Summary { changes, unchanged, refused, not_served } = summary;
    format!("Plan: {changes} to change, {unchanged} unchanged, {refused} refused, {not_served} not served.")
}

#[derive(Clone, Copy)]
enum Colour {
    None,
    Red,
    Green,
    Yellow,
}

struct Page {
    text: String,
    colours: bool,
}

impl Page {
    fn balancer(&mut self, balancer: &Balancer) {
        if let Some(failure) = &balancer.failure {
            self.row(Colour::None, &format!("{}:", balancer.plan.lb));
            self.row(Colour::Red, &format!("  refused: {} ({})", failure.message, failure.category));
        } else {
            let mut colour = Colour::None;
            for row in balancer.plan.to_string().lines() {
                colour = of_step(row).unwrap_or(colour);
                self.row(colour, row);
            }
        }
        if let Some(class) = &balancer.class {
            self.row(Colour::None, &format!("    class {class}"));
        }
        for member in &balancer.members {
            self.row(Colour::None, &format!("    {}", of_member(member)));
            for held in &member.held_ports {
                let text = format!(
                    "    refused: port {} of {} is held by {}",
                    held.port, member.service, held.holder
                );
                self.row(Colour::Red, &text);
            }
            if !member.unknown.is_empty() {
                let text = format!("    given by the API server: {}", member.unknown.join(", "));
                self.row(Colour::None, &text);
            }
        }
        if !balancer.ingress.is_empty() {
            let addresses: Vec<String> = balancer.ingress.iter().map(of_ingress).collect();
            self.row(Colour::None, &format!("    EXTERNAL-IP {}", addresses.join(", ")));
        }
        for note in &balancer.notes {
            self.row(Colour::Yellow, &format!("    note: {note}"));
        }
        self.text.push('\n');
    }

    fn row(&mut self, colour: Colour, row: &str) {
        let code = match colour {
            Colour::None => None,
            Colour::Red => Some(31),
            Colour::Green => Some(32),
            Colour::Yellow => Some(33),
        };
        // Writing to a String does not fail.
        let _ = match code.filter(|_| self.colours) {
            Some(code) => writeln!(self.text, "\u{1b}[{code}m{row}\u{1b}[0m"),
            None => writeln!(self.text, "{row}"),
        };
    }
}

/// The colour of a step and of the fields below it.
fn of_step(row: &str) -> Option<Colour> {
    let sign = row.strip_prefix("  ")?.chars().next()?;
    match sign {
        '+' => Some(Colour::Green),
        '-' => Some(Colour::Red),
        '~' | '±' => Some(Colour::Yellow),
        _ => None,
    }
}

fn of_member(member: &MemberLine) -> String {
    let state = if member.new { " (new)" } else { "" };
    format!("Service {}{state} {}", member.service, member.ports.join(", "))
}

fn of_ingress(ingress: &Ingress) -> String {
    match ingress {
        Ingress::Ip { ip, .. } => ip.to_string(),
        Ingress::Hostname(name) => name.clone(),
    }
}
