//! What is derived from a list in the record: an order's lines, and the sum of them.

use std::collections::BTreeSet;

use sarafan_core::vocabulary::{Item, Money};
use serde_json::Value;

use super::exact::Exact;
use super::field::{bad_money, id, money};
use super::path::{Path, shown};
use super::value::{Given, ValueSpec};
use crate::reason::{Fault, Reason};

/// `{ sum = "lines", of = ["qty", "price"] }`: the sum over a list of the products of these, exactly.
#[derive(Debug, Clone)]
pub(super) struct Sum {
    pub(super) list: ValueSpec,
    pub(super) of: Vec<ValueSpec>,
    pub(super) currency: Option<ValueSpec>,
    pub(super) times: Option<Money>,
}

/// `{ each = "lines", sku = ..., quantity = ..., price = ... }`: an order's lines.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    pub(super) list: ValueSpec,
    pub(super) sku: ValueSpec,
    pub(super) category: Option<ValueSpec>,
    pub(super) brand: Option<ValueSpec>,
    pub(super) quantity: ValueSpec,
    pub(super) price: ValueSpec,
    pub(super) amount: Option<ValueSpec>,
    pub(super) currency: Option<ValueSpec>,
}

/// What was made of a list.
pub(super) enum OfList<T> {
    Absent,
    Cleared,
    Made(T),
}

/// The currencies that the lines of a record name.
pub(super) type Currencies = BTreeSet<String>;

impl Sum {
    pub(super) fn read(&self, root: &Value, currencies: &mut Currencies) -> Result<OfList<Money>, Fault> {
        on_list(&self.list, root, |values| {
            let places = 4 * u32::try_from(self.of.len()).unwrap_or(1);
            let mut sum = Exact::zero(places);
            for (i, line) in values.iter().enumerate() {
                note_currency(self.currency.as_ref(), line, currencies)?;
                let product = self.product(line).map_err(|fault| in_line(i, fault))?;
                sum = sum.plus(product).map_err(|e| bad_money(e, "the sum"))?;
            }
            let sum = self.times.map_or(Ok(sum), |factor| sum.times(factor));
            sum.and_then(Exact::money).map_err(|e| bad_money(e, "the sum of the lines"))
        })
    }

    fn product(&self, line: &Value) -> Result<Exact, Fault> {
        let mut factors = self.of.iter().map(|spec| amount(spec, line));
        let first = factors.next().unwrap_or(Ok(Money::ZERO))?;
        factors.try_fold(Exact::from(first), |product, factor| {
            product.times(factor?).map_err(|e| bad_money(e, "quantity x price"))
        })
    }
}

impl Lines {
    pub(super) fn read(&self, root: &Value, currencies: &mut Currencies) -> Result<OfList<Vec<Item>>, Fault> {
        on_list(&self.list, root, |values| {
            let item = |(i, line)| {
                note_currency(self.currency.as_ref(), line, currencies)?;
                self.item(line).map_err(|fault| in_line(i, fault))
            };
            values.iter().enumerate().map(item).collect()
        })
    }

    fn item(&self, line: &Value) -> Result<Item, Fault> {
        let (quantity, price) = (amount(&self.quantity, line)?, amount(&self.price, line)?);
        let stated = self.amount.as_ref().map(|spec| amount(spec, line)).transpose()?;
        let derived = || Exact::from(quantity).times(price).and_then(Exact::money);
        let amount = match stated {
            Some(amount) => amount,
            None => derived().map_err(|e| bad_money(e, "quantity x price"))?,
        };
        let optional = |spec: &Option<ValueSpec>| spec.as_ref().map_or(Ok(None), |spec| text(spec, line));
        Ok(Item {
            sku: text(&self.sku, line)?.ok_or_else(|| Fault::new(Reason::MissingField, "has no sku"))?,
            category: optional(&self.category)?,
            brand: optional(&self.brand)?,
            quantity,
            price,
            amount,
        })
    }
}

/// Hands over the list that a value names, as far as the record has it.
fn on_list<T>(
    list: &ValueSpec,
    root: &Value,
    make: impl FnOnce(&[Value]) -> Result<T, Fault>,
) -> Result<OfList<T>, Fault> {
    match list.read(root)? {
        Given::Absent => Ok(OfList::Absent),
        Given::Cleared => Ok(OfList::Cleared),
        Given::Value(value) => match value.as_ref() {
            Value::Array(values) => make(values).map(OfList::Made),
            other => Err(Fault::new(Reason::WrongType, format!("is {}, not a list", shown(other)))),
        },
    }
}

fn amount(spec: &ValueSpec, line: &Value) -> Result<Money, Fault> {
    match spec.read(line)? {
        Given::Value(value) => money(spec, &value),
        Given::Absent | Given::Cleared => {
            let at = match &spec.origin {
                super::value::ValueOrigin::Path(path) => Path::to_string(path),
                _ => "an amount".to_owned(),
            };
            Err(Fault::new(Reason::MissingField, format!("has no `{at}`")))
        }
    }
}

fn text(spec: &ValueSpec, line: &Value) -> Result<Option<String>, Fault> {
    match spec.read(line)? {
        Given::Value(value) => id(spec.text(&value, Reason::UnknownValue)?).map(Some),
        Given::Absent | Given::Cleared => Ok(None),
    }
}

fn note_currency(spec: Option<&ValueSpec>, line: &Value, currencies: &mut Currencies) -> Result<(), Fault> {
    if let Some(currency) = spec.map_or(Ok(None), |spec| text(spec, line))? {
        currencies.insert(currency);
    }
    Ok(())
}

fn in_line(index: usize, fault: Fault) -> Fault {
    Fault::new(fault.reason, format!("of line {index}: {}", fault.problem))
}
