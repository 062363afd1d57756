//! How a customer and a record find their segments in each dimension (DESIGN 4).

use super::{Order, Settling, symbol};
use crate::cuts::ALL;
use crate::definitions::{Dimension, DimensionKind, Source};
use crate::state::entity::Entity;
use crate::state::holder::{CUSTOMERS, Holder, ORDERS};
use crate::vocabulary::Symbol;

/// The record whose fields an order or response dimension reads.
#[derive(Clone, Copy)]
pub(crate) struct Cutting<'a> {
    /// The record itself, and the place of its subject.
    pub(crate) own: (&'a Entity, usize),
    /// The counted order that an answer is about.
    pub(crate) order: Option<&'a Entity>,
}

impl Settling<'_> {
    /// `all`, and each customer dimension.
    pub(crate) fn customer_cuts(&mut self, holder: &Holder, orders: &[Order]) -> Vec<u32> {
        let mut cuts = vec![ALL];
        self.each_dimension(
            DimensionKind::Customer,
            |with, dimension| {
                with.segment(dimension, |with, source| with.customer_part(holder, orders, source))
            },
            &mut cuts,
        );
        cuts
    }

    /// The cuts of an order or a response dimension.
    pub(crate) fn record_cuts(&mut self, kind: DimensionKind, cutting: Cutting<'_>) -> Vec<u32> {
        let mut cuts = Vec::new();
        self.each_dimension(
            kind,
            |with, dimension| {
                with.segment(dimension, |with, source| match source {
                    Source::Own(field) => with.part(cutting.own.0, cutting.own.1, field),
                    Source::OfOrder(field) => with.part(cutting.order?, ORDERS, field),
                    _ => None,
                })
            },
            &mut cuts,
        );
        cuts
    }

    fn each_dimension(
        &mut self,
        kind: DimensionKind,
        segment: impl Fn(&mut Self, &Dimension) -> Symbol,
        cuts: &mut Vec<u32>,
    ) {
        let definitions = self.definitions;
        for (index, dimension) in (0_u16..).zip(&definitions.dimensions) {
            if dimension.kind == kind {
                let symbol = segment(self, dimension);
                cuts.push(self.cuts.number(index, symbol));
            }
        }
    }

    /// The segment: its parts joined by ` / `, each `unknown` when it is missing or empty.
    fn segment(
        &mut self,
        dimension: &Dimension,
        part: impl Fn(&mut Self, &Source) -> Option<Symbol>,
    ) -> Symbol {
        let mut parts = Vec::with_capacity(dimension.sources.len());
        for source in &dimension.sources {
            let found = part(self, source).filter(|s| *s != self.words.empty);
            parts.push(found.unwrap_or(self.words.unknown));
        }
        if let [only] = parts[..] {
            return only;
        }
        let texts: Vec<&str> = parts.iter().map(|p| self.symbols.text(*p).as_ref()).collect();
        let joined = texts.join(" / ");
        self.symbols.intern(&joined)
    }

    fn customer_part(&mut self, holder: &Holder, orders: &[Order], source: &Source) -> Option<Symbol> {
        if !holder.is_customer() {
            return None;
        }
        let order = |o: Option<&Order>| o.map(|o| &holder.of(ORDERS)[o.place]);
        match source {
            Source::Attribute(name) => {
                let slot = self.layouts[CUSTOMERS].slot(&format!("attributes.{name}"))?;
                symbol(self.customer(holder)?, slot)
            }
            Source::FirstOrder(field) => self.part(order(orders.first())?, ORDERS, field),
            Source::LatestOrder(field) => self.part(order(orders.last())?, ORDERS, field),
            Source::CohortMonth => {
                let month = orders.first()?.day.month().to_string();
                Some(self.symbols.intern(&month))
            }
            Source::Own(_) | Source::OfOrder(_) => None,
        }
    }

    fn part(&self, entity: &Entity, place: usize, field: &str) -> Option<Symbol> {
        symbol(entity, self.layouts[place].slot(field)?)
    }
}
