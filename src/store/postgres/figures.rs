//! What a stretch of time adds up to. Counts are sums of blocks, and of the rows between an edge of an
//! interval and the next block; the rest is estimated from rows that are read here and there.

use std::collections::HashSet;

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Transaction};
use uuid::Uuid;

use super::list::{NAMES, SHORT, events, kinds};
use super::partitions;
use super::selection::List;
use super::values::{Timestamptz, Values, start};
use crate::event::Event;
use crate::store::blocks::{Block, Mark, Stretch};
use crate::store::figures::{ByKind, Edge, MOST_PLACES, add_up, by_name, places};
use crate::store::page::Plan;
use crate::store::{Counts, Filter, Intervals, Sample};

/// How many events of each kind lie in each interval; nothing if events have to be counted anew.
pub(super) async fn counts(transaction: &Transaction<'_>, intervals: &Intervals) -> Result<Option<Vec<Counts>>, Error> {
    let (counted, known) = tokio::try_join!(partitions::are_counted(transaction), kinds(transaction))?;
    if !counted {
        return Ok(None);
    }
    let filter = Filter { start_time: None, end_time: None, ..intervals.filter.clone() };
    let Some(mut list) = List::new(transaction, &filter, &known).await? else {
        return Ok(Some(vec![Counts::new(); intervals.edges.len().saturating_sub(1)]));
    };
    // Each for itself, also where all are wanted.
    list.kinds.get_or_insert_with(|| known.keys().copied().collect());
    let marks: Vec<Mark> = intervals.edges.iter().map(|&edge| edge.into()).collect();
    let (blocks, edges) = tokio::try_join!(list.in_blocks(&marks), list.behind(&marks))?;
    let named = |events: ByKind<i32>| by_name(events, |kind| known[kind].0.clone());
    Ok(Some(add_up(blocks, &edges).into_iter().map(named).collect()))
}

/// All events that a filter leaves, or about `size` of them; nothing if events have to be counted anew.
pub(super) async fn sample(transaction: &Transaction<'_>, filter: &Filter, size: u64) -> Result<Option<Sample>, Error> {
    let (counted, known) = tokio::try_join!(partitions::are_counted(transaction), kinds(transaction))?;
    if !counted {
        return Ok(None);
    }
    let Some(mut list) = List::new(transaction, filter, &known).await? else { return Ok(Some(Sample::default())) };
    list.columns = SHORT;
    let count = list.count().await?;
    let blocks = match list.blocks {
        Some(blocks) if !list.stretch.is_empty() => list.blocks_within(blocks).await?,
        _ => Vec::new(),
    };
    let Some(of_blocks) = list.blocks.filter(|_| count > size || blocks.len() > MOST_PLACES) else {
        let events = list.read(&Plan::all(count)).await?;
        let sessions = events.iter().map(|event| &event.session_id).collect::<HashSet<_>>().len();
        return Ok(Some(Sample { count, events, sessions: sessions as u64 }));
    };
    let (events, sessions) = list.read_neighbours(of_blocks, &places(&blocks, size)).await?;
    Ok(Some(Sample { count, events, sessions }))
}

impl List<'_> {
    /// The events of the blocks that begin in each interval.
    async fn in_blocks(&self, edges: &[Mark]) -> Result<Vec<ByKind<i32>>, Error> {
        let mut found = vec![ByKind::new(); edges.len().saturating_sub(1)];
        let (Some(blocks), [from, .., to]) = (self.blocks, edges) else { return Ok(found) };
        let mut values = Values::default();
        let times: Vec<_> = edges.iter().map(|&edge| Timestamptz::from(edge)).collect();
        let times = values.bind(times, Type::TIMESTAMPTZ_ARRAY);
        let of_kinds = self.blocks_of(blocks, Stretch { from: *from, to: *to }, &mut values);
        let sql =
            format!("SELECT width_bucket(timestamp, {times}), kind, sum(events)::bigint {of_kinds} GROUP BY 1, 2");
        for row in &self.transaction.query_typed(&sql, &values.list()).await? {
            let interval = usize::try_from(row.try_get::<_, i32>(0)? - 1).unwrap_or_default();
            if let Some(interval) = found.get_mut(interval) {
                interval.insert(row.try_get(1)?, row.try_get::<_, i64>(2)?.unsigned_abs());
            }
        }
        Ok(found)
    }

    /// What lies behind the edge of each interval.
    async fn behind(&self, edges: &[Mark]) -> Result<Vec<Edge<i32>>, Error> {
        let mut found = vec![Edge::default(); edges.len()];
        let mut values = Values::default();
        let nexts: Vec<_> = edges.iter().copied().skip(1).chain([Mark::LAST]).collect();
        let [times, next_times] = [edges, &nexts].map(|marks| {
            let times: Vec<_> = marks.iter().map(|&mark| Timestamptz::from(mark)).collect();
            values.bind(times, Type::TIMESTAMPTZ_ARRAY)
        });
        let [nil, last] = [Uuid::nil(), Uuid::max()].map(|id| values.bind(id, Type::UUID));
        let list = values.bind(self.blocks, Type::INT8);
        // They lie at times or where blocks begin, and so before all applications.
        let [from, to] = [["timestamp", "id"], ["to_timestamp", "to_id"]]
            .map(|[time, id]| [format!("part.{time}"), format!("part.{id}"), "0".to_owned()]);
        let rows = self.rows([&from, &to], &mut values);
        let sql = format!(
            "SELECT part.place, part.at_edge AND part.to_timestamp < 'infinity', found.kind, found.events FROM ( \
                 SELECT edge.place, edge.timestamp, {nil} AS id, at_edge, \
                     CASE WHEN at_edge THEN edge.next ELSE block.timestamp END AS to_timestamp, \
                     CASE WHEN NOT at_edge THEN block.id WHEN edge.next < 'infinity' THEN {nil} ELSE {last} END AS to_id \
                 FROM unnest({times}, {next_times}) WITH ORDINALITY AS edge (timestamp, next, place) LEFT JOIN LATERAL ( \
                     SELECT timestamp, id FROM tally WHERE list = {list} AND kind = 0 \
                     AND (timestamp, id) >= (edge.timestamp, {nil}) ORDER BY timestamp, id LIMIT 1) AS block ON true, \
                 LATERAL (SELECT coalesce((edge.next, {nil}) < (block.timestamp, block.id), true) AS at_edge) AS which) AS part \
             LEFT JOIN LATERAL (SELECT kind, count(*) AS events FROM event WHERE {rows} GROUP BY kind) AS found ON true"
        );
        for row in &self.transaction.query_typed(&sql, &values.list()).await? {
            let place = usize::try_from(row.try_get::<_, i64>(0)? - 1).unwrap_or_default();
            let edge = &mut found[place];
            edge.before_edge = row.try_get(1)?;
            if let Some(kind) = row.try_get(2)? {
                edge.rows.insert(kind, row.try_get::<_, i64>(3)?.unsigned_abs());
            }
        }
        Ok(found)
    }

    /// The blocks that have events in the stretch.
    async fn blocks_within(&self, blocks: i64) -> Result<Vec<Block>, Error> {
        let mut values = Values::default();
        let [from, from_id] = values.block(self.stretch.from.next());
        let list = values.bind(blocks, Type::INT8);
        // The first one may begin before.
        let sql = format!(
            "SELECT timestamp, id FROM tally WHERE list = {list} AND kind = 0 \
             AND (timestamp, id) < ({from}, {from_id}) ORDER BY timestamp DESC, id DESC LIMIT 1"
        );
        let rows = self.transaction.query_typed(&sql, &values.list()).await?;
        let from = rows.first().map_or(Ok(Mark::FIRST), |row| start(row, 0))?;
        let mut values = Values::default();
        let of_kinds = self.blocks_of(blocks, Stretch { from, ..self.stretch }, &mut values);
        let sql = format!(
            "SELECT timestamp, id, sum(events)::bigint {of_kinds} GROUP BY timestamp, id HAVING sum(events) > 0 \
             ORDER BY timestamp, id"
        );
        let rows = self.transaction.query_typed(&sql, &values.list()).await?;
        let block = |row| Ok(Block { start: start(row, 0)?, events: row.try_get::<_, i64>(2)?.unsigned_abs() });
        rows.iter().map(block).collect()
    }

    /// Reads some rows of each block, and looks whether they are the last ones of their session here.
    async fn read_neighbours(&self, list: i64, places: &[(Block, u64)]) -> Result<(Vec<Event>, u64), Error> {
        let mut values = Values::default();
        let starts: Vec<Mark> = places.iter().map(|(block, _)| block.start.max(self.stretch.from)).collect();
        let most: Vec<i64> = places.iter().map(|(_, rows)| rows.cast_signed()).collect();
        let starts = [values.marks(&starts).join(", "), values.bind(most, Type::INT8_ARRAY)].join(", ");
        // A sample's stretch ends where a time does.
        let [to, to_id] = values.block(self.stretch.to);
        let [list, last] = [values.bind(list, Type::INT8), values.bind(Uuid::max(), Type::UUID)];
        let from = ["part.timestamp", "part.id", "part.application"].map(str::to_owned);
        let part_to = ["part.to_timestamp", "part.to_id", "0"].map(str::to_owned);
        let rows = self.rows([&from, &part_to], &mut values);
        let later_kinds = self.kinds_in_sql("AND later.", &mut values);
        let sql = format!(
            "SELECT {}, NOT EXISTS (SELECT FROM event AS later WHERE later.session = event.session \
                 AND later.timestamp >= event.timestamp AND later.timestamp < {to} \
                 AND (later.timestamp, later.id, later.application) > (event.timestamp, event.id, event.application) {later_kinds}) \
             FROM (SELECT start.*, least(coalesce(block.timestamp, 'infinity'), {to}) AS to_timestamp, \
                     CASE WHEN block.timestamp < {to} THEN block.id ELSE coalesce({to_id}, {last}) END AS to_id \
                 FROM unnest({starts}) AS start (timestamp, id, application, most) LEFT JOIN LATERAL ( \
                     SELECT timestamp, id FROM tally WHERE list = {list} AND kind = 0 \
                     AND (timestamp, id) > (start.timestamp, start.id) ORDER BY timestamp, id LIMIT 1) AS block ON true) AS part, \
             LATERAL (SELECT * FROM event WHERE {rows} ORDER BY timestamp, id, application LIMIT part.most) AS event {NAMES}",
            self.columns
        );
        let rows = self.transaction.query_typed(&sql, &values.list()).await?;
        let mut sessions = 0;
        for row in &rows {
            sessions += u64::from(row.try_get::<_, bool>(10)?);
        }
        Ok((events(&rows)?, sessions))
    }
}
