//! What one node says of itself.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use futures::future::join_all;
use sealift_cluster::Role;
use sealift_node::{Gauge, UnitState};

use super::{Depth, Member, paths};
use crate::facts::{Absence, Clock, Facts, Known};
use crate::family;
use crate::parse::filter::Filter;

/// The shortest of so many questions about the time counts: it is the surest.
const ASKED: usize = 5;
/// Where etcd keeps its log.
const ETCD: &str = "/var/lib/etcd";

/// Everything that is read; with [`Depth::Measure`] etcd's disk is measured too.
pub(super) async fn read(member: &Member, depth: Depth) -> Facts {
    let gauge = member.gauge();
    let (machine, looked, rooms, filter, units) = tokio::join!(
        gauge.facts(),
        gauge.look(paths::all().map(str::to_owned).collect(), paths::LIMIT),
        gauge.rooms(rooms()),
        filter(&gauge),
        units(&gauge),
    );
    let mut facts = match looked {
        Ok(sights) => Facts { sights: sights.into_iter().collect(), ..Facts::none("it was not asked") },
        // every path is then one that was not looked at; why is told with the first fact
        Err(error) => return Facts::none(&error.to_string()),
    };
    facts.modules = match &machine {
        Ok(machine) => modules(&gauge, &machine.kernel).await,
        Err(error) => Err(Absence(error.to_string())),
    };
    facts.machine = machine.map_err(Absence::from);
    facts.rooms = rooms.map_err(Absence::from);
    (facts.filter, facts.units) = (filter, units);
    facts.clock = clock(&gauge).await;
    if depth == Depth::Measure && member.role == Role::ControlPlane {
        facts.sync = gauge.sync(ETCD).await.map_err(Absence::from);
    }
    facts
}

fn rooms() -> Vec<String> {
    let paths = family::needs(Role::ControlPlane).iter().map(|(path, _)| (*path).to_owned());
    paths.chain(family::MOUNTED.iter().map(|path| (*path).to_owned())).collect()
}

async fn modules(gauge: &Gauge<'_>, release: &str) -> Known<String> {
    let words = || paths::MODULES.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut found = String::new();
    for list in ["modules.builtin", "modules.dep"] {
        let lines = gauge.lines(&format!("/lib/modules/{release}/{list}"), words()).await?;
        found.push_str(&lines.unwrap_or_default());
    }
    Ok(found)
}

async fn filter(gauge: &Gauge<'_>) -> Known<Option<Filter>> {
    let Some(output) = gauge.packet_filter().await? else { return Ok(None) };
    if output.status != 0 {
        return Err(Absence(format!(
            "the packet filter: status {}: {}",
            output.status,
            output.stderr.trim()
        )));
    }
    Ok(Some(Filter::parse(&output.stdout)?))
}

async fn units(gauge: &Gauge<'_>) -> BTreeMap<String, Known<UnitState>> {
    let names = family::TIME_SERVICES.iter().chain(paths::UNITS);
    let asked =
        names.map(|name| async move { ((*name).to_owned(), gauge.unit(name).await.map_err(Absence::from)) });
    join_all(asked).await.into_iter().collect()
}

/// The node's clock against this machine's. What the question took is measured by a clock that nobody sets.
async fn clock(gauge: &Gauge<'_>) -> Known<Clock> {
    let mut best: Option<Clock> = None;
    for _ in 0..ASKED {
        let (here, began) = (now(), Instant::now());
        let there = i64::try_from(gauge.clock().await?).unwrap_or(i64::MAX);
        let took = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let clock = Clock { ahead: there - (here + took / 2), uncertain: took / 2 + 1 };
        if best.is_none_or(|best| clock.uncertain < best.uncertain) {
            best = Some(clock);
        }
    }
    best.ok_or_else(Absence::unasked)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
