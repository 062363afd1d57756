//! The stores, their regions, and who runs them.

use crate::chance::Chance;

/// A store.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Store {
    pub(crate) code: &'static str,
    pub(crate) region: &'static str,
    pub(crate) currency: &'static str,
    /// Who is on duty, in turn.
    pub(crate) managers: &'static [Manager],
    /// How many customers call it theirs, 1 being usual.
    pub(crate) size: f64,
    /// Points that its service adds to an answer.
    pub(crate) service: f64,
}

/// A manager.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Manager {
    pub(crate) id: &'static str,
    /// Points that the person adds to an answer.
    pub(crate) touch: f64,
}

const fn manager(id: &'static str, touch: f64) -> Manager {
    Manager { id, touch }
}

const fn store(
    code: &'static str,
    region: &'static str,
    size: f64,
    service: f64,
    managers: &'static [Manager],
) -> Store {
    Store { code, region, currency: "EUR", managers, size, service }
}

/// Twelve stores in four regions; the three of `Alps` sell in Swiss francs.
pub(crate) const STORES: [Store; 12] = [
    store("S01", "North", 1.10, 0.3, &[manager("m-01", 0.3), manager("m-02", -0.1)]),
    store("S02", "North", 1.00, 0.0, &[manager("m-03", 0.0)]),
    store("S03", "North", 1.00, -0.2, &[manager("m-04", -0.4)]),
    store("S04", "Coast", 1.10, 0.4, &[manager("m-05", 0.2), manager("m-06", 0.4)]),
    store("S05", "Coast", 1.00, 0.1, &[manager("m-07", -0.2)]),
    store("S06", "Coast", 1.00, -0.3, &[manager("m-08", 0.1)]),
    store("S07", "Central", 1.10, 0.2, &[manager("m-09", 0.1), manager("m-10", 0.0)]),
    store("S08", "Central", 1.00, 0.0, &[manager("m-11", 0.3)]),
    store("S09", "Central", 1.00, 0.2, &[manager("m-12", -0.3)]),
    Store {
        currency: "CHF",
        ..store("S10", "Alps", 1.05, 0.3, &[manager("m-13", 0.5), manager("m-14", -0.2)])
    },
    Store { currency: "CHF", ..store("S11", "Alps", 1.00, -0.1, &[manager("m-15", 0.0)]) },
    Store { currency: "CHF", ..store("S12", "Alps", 1.00, 0.1, &[manager("m-16", 0.2)]) },
];

/// The regions, in the order of their stores.
pub(crate) const REGIONS: [&str; 4] = ["North", "Coast", "Central", "Alps"];

/// A store, as likely as it is large.
pub(crate) fn any_store(chance: &mut Chance) -> &'static Store {
    &STORES[chance.weighted(STORES.iter().map(|store| store.size))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn stores_and_managers_have_codes_of_their_own_and_regions_that_there_are() {
        let codes: BTreeSet<_> = STORES.iter().map(|store| store.code).collect();
        assert_eq!(codes.len(), 12);
        assert!(codes.contains(crate::truths::COLLAPSED_STORE));
        let managers: BTreeSet<_> =
            STORES.iter().flat_map(|store| store.managers).map(|manager| manager.id).collect();
        assert_eq!(managers.len(), 16);
        let regions: BTreeSet<_> = STORES.iter().map(|store| store.region).collect();
        assert_eq!(regions, REGIONS.into());
        let currencies: BTreeSet<_> = STORES.iter().map(|store| store.currency).collect();
        assert_eq!(currencies.len(), 2);
    }
}
