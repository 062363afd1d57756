//! Entities and customers as rows, in the order of the columns of [`crate::rows`].

use std::sync::Arc;

use super::Shard;
use super::apply::LIST_SEPARATOR;
use crate::state::entity::Entity;
use crate::state::holder::{CUSTOMERS, Holder, INVITATIONS, ORDERS, REFUNDS};
use crate::state::settled::{InvitationRow, OrderRow, ResponseRow, Settled};
use crate::table::Value;
use crate::vocabulary::{Day, Instant, Kind, Symbol};

impl Shard {
    /// The row of an entity: all that the join needs to go on, and what follows for it from the customer's others.
    pub(super) fn entity_row(
        &self,
        holder: &Holder,
        (place, index): (usize, usize),
        settled: &Settled,
        version: u64,
    ) -> Vec<Value> {
        let entity = &holder.of(place)[index];
        let mut row = self.head(holder, entity, place, version);
        let layout = &self.layouts[place];
        for (slot, spec) in (0_u8..).zip(&layout.slots[..layout.fields]) {
            row.push(self.field_value(spec.kind, entity.get(slot)));
        }
        let attributes = layout.slots.iter().enumerate().skip(layout.fields);
        let held: Vec<(Arc<str>, Arc<str>)> = attributes
            .filter_map(|(slot, spec)| {
                let text = self.text_of(entity.get(slot as u8)?);
                Some((Arc::from(spec.name.trim_start_matches("attributes.")), text))
            })
            .collect();
        row.push(Value::Texts(held.iter().map(|(name, _)| Arc::clone(name)).collect()));
        row.push(Value::Texts(held.into_iter().map(|(_, value)| value).collect()));
        row.push(Value::Text(Arc::clone(self.symbols.text(entity.source))));
        row.push(Value::Int(entity.latest.bits().cast_signed()));
        row.push(Value::Int(entity.latest.updated_at().micros().into()));
        match place {
            ORDERS => row.extend(order_columns(&settled.order_rows[index])),
            REFUNDS => row.push(day(settled.refund_days[index])),
            INVITATIONS => row.extend(invitation_columns(&settled.invitation_rows[index])),
            CUSTOMERS => {}
            _ => row.extend(self.response_columns(&settled.response_rows[index])),
        }
        row
    }

    /// The row of `customer_figures`.
    pub(super) fn figures_row(&self, holder: &Holder, settled: &Settled, version: u64) -> Vec<Value> {
        let text = |symbol: Option<Symbol>| {
            symbol.map_or(Value::Null, |s| Value::Text(Arc::clone(self.symbols.text(s))))
        };
        let mut row = vec![
            Value::Int(self.placement.epoch.0.into()),
            Value::Text(Arc::clone(&holder.key)),
            Value::Int(holder.key_hash.into()),
            Value::Int(version.into()),
        ];
        let Some(figures) = &settled.figures else { return row };
        let at = |at: Option<Instant>| Value::maybe(at.map(Instant::micros));
        row.extend([
            text(figures.excluded_reason),
            at(figures.orders_at.map(|o| o.0)),
            at(figures.orders_at.map(|o| o.1)),
            day(figures.days.map(|d| d.0)),
            day(figures.days.map(|d| d.1)),
            Value::Int(figures.orders.into()),
            Value::Int(figures.purchases.into()),
            Value::Int(figures.answers.into()),
            Value::Int(figures.years_bought.into()),
            Value::maybe(figures.latest.map(|l| l.0)),
            at(figures.latest.map(|l| l.1)),
            text(figures.referred_by),
        ]);
        row.extend(self.cut_columns(figures.cuts.iter().skip(1)));
        row
    }

    /// The row of `customer_money`.
    pub(super) fn money_row(&self, holder: &Holder, settled: &Settled, version: u64) -> Vec<Value> {
        let purses = &settled.purses;
        let each =
            |of: fn(&crate::state::settled::Purse) -> i128| Value::Ints(purses.iter().map(of).collect());
        vec![
            Value::Int(self.placement.epoch.0.into()),
            Value::Text(Arc::clone(&holder.key)),
            Value::Int(holder.key_hash.into()),
            Value::Int(version.into()),
            Value::Texts(purses.iter().map(|p| Arc::clone(&p.text)).collect()),
            each(|p| p.orders),
            each(|p| p.days.len() as i128),
            each(crate::state::settled::Purse::months_487),
            each(|p| p.gross),
            each(|p| p.refunded),
            each(|p| p.revenue),
            each(|p| p.margin),
        ]
    }

    fn head(&self, holder: &Holder, entity: &Entity, place: usize, version: u64) -> Vec<Value> {
        let (base, later) = entity.stamps();
        let name = |slot: u8| Arc::from(self.layouts[place].slots[usize::from(slot)].name.as_str());
        let mut row = Vec::with_capacity(48);
        row.extend([
            Value::Int(self.placement.epoch.0.into()),
            Value::Text(Arc::clone(&holder.key)),
            Value::Text(Arc::clone(&entity.id)),
            Value::Int(holder.key_hash.into()),
            Value::Int(version.into()),
            Value::Int(entity.first_version.into()),
            Value::Int(entity.erased.into()),
            Value::Int(base.bits().cast_signed()),
            Value::Texts(later.iter().map(|(slot, _)| name(*slot)).collect()),
            Value::Ints(later.iter().map(|(_, stamp)| stamp.bits().cast_signed()).collect()),
            Value::Texts(entity.cleared().map(name).collect()),
        ]);
        row
    }

    fn text_of(&self, number: i64) -> Arc<str> {
        let symbol = Symbol::from_number(number as u32);
        Arc::clone(self.symbols.text(symbol))
    }

    fn field_value(&self, kind: Kind, value: Option<i64>) -> Value {
        match (kind, value) {
            (Kind::Texts, None) => Value::Texts(Vec::new()),
            (_, None) => Value::Null,
            (Kind::Texts, Some(number)) => {
                Value::Texts(self.text_of(number).split(LIST_SEPARATOR).map(Arc::from).collect())
            }
            (Kind::Text | Kind::Code(_), Some(number)) => Value::Text(self.text_of(number)),
            (_, Some(number)) => Value::Int(number.into()),
        }
    }

    fn response_columns(&self, row: &ResponseRow) -> Vec<Value> {
        let mut columns = vec![day(row.day), Value::Int(row.counted.into()), day(row.superseded_on)];
        columns.extend(self.cut_columns(row.cuts.iter()));
        columns
    }

    /// Names of dimensions, and beside them the segments.
    fn cut_columns<'c>(&self, cuts: impl Iterator<Item = &'c u32>) -> [Value; 2] {
        let (dimensions, segments) = cuts.map(|cut| self.cut_texts(*cut)).unzip();
        [Value::Texts(dimensions), Value::Texts(segments)]
    }
}

fn day(day: Option<Day>) -> Value {
    Value::maybe(day.map(Day::number))
}

fn order_columns(row: &OrderRow) -> [Value; 9] {
    [
        day(row.day),
        Value::Int(row.counted.into()),
        Value::Int(row.refunded.into()),
        Value::Int(row.over_refunded),
        Value::Int(row.revenue.into()),
        Value::Int(row.net_margin),
        Value::maybe(row.nth),
        Value::Int(row.is_first.into()),
        Value::maybe(row.days_since_previous),
    ]
}

fn invitation_columns(row: &InvitationRow) -> [Value; 4] {
    let response = row.response_id.as_ref().map_or(Value::Null, |id| Value::Text(Arc::clone(id)));
    [day(row.day), Value::Int(row.counted.into()), Value::Int(row.reminders.into()), response]
}
