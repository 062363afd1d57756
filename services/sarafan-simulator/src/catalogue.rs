//! What is sold, and what is put into a basket.

use crate::chance::Chance;
use crate::money::Cents;

/// A product.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Product {
    sku: &'static str,
    category: &'static str,
    brand: &'static str,
    price: i64,
    /// Part of the price that stays.
    margin: f64,
    /// How often it is bought.
    demand: f64,
}

const fn product(
    sku: &'static str,
    category: &'static str,
    brand: &'static str,
    price: i64,
    margin: f64,
    demand: f64,
) -> Product {
    Product { sku, category, brand, price, margin, demand }
}

const PRODUCTS: [Product; 16] = [
    product("LMP-101", "lamps", "Hellmann", 3_990, 0.42, 1.4),
    product("LMP-220", "lamps", "Lumo", 8_900, 0.38, 0.7),
    product("LMP-305", "lamps", "Lumo", 14_900, 0.35, 0.3),
    product("KIT-011", "kitchenware", "Kessel", 1_250, 0.48, 2.4),
    product("KIT-045", "kitchenware", "Kessel", 4_495, 0.44, 1.3),
    product("KIT-090", "kitchenware", "Tavola", 7_900, 0.36, 0.6),
    product("TEX-007", "textiles", "Linum", 1_990, 0.52, 2.2),
    product("TEX-031", "textiles", "Linum", 5_900, 0.50, 0.9),
    product("TEX-052", "textiles", "Nord", 9_900, 0.45, 0.4),
    product("DEC-003", "decoration", "Nord", 990, 0.55, 2.6),
    product("DEC-018", "decoration", "Tavola", 2_490, 0.53, 1.5),
    product("DEC-040", "decoration", "Atelier", 12_900, 0.40, 0.2),
    product("FUR-110", "furniture", "Atelier", 24_900, 0.33, 0.25),
    product("FUR-175", "furniture", "Hellmann", 39_900, 0.30, 0.15),
    product("GAR-020", "garden", "Nord", 3_490, 0.41, 0.8),
    product("GAR-066", "garden", "Kessel", 18_900, 0.34, 0.2),
];

/// A line of a basket.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) sku: &'static str,
    pub(crate) category: &'static str,
    pub(crate) brand: &'static str,
    pub(crate) quantity: i64,
    /// Of one.
    pub(crate) price: Cents,
    /// Part of the price that stays.
    pub(crate) margin: f64,
}

impl Line {
    /// Of all of them.
    pub(crate) fn total(&self) -> Cents {
        Cents(self.price.0 * self.quantity)
    }
}

/// The lines of an ordinary basket.
pub(crate) fn basket(chance: &mut Chance) -> Vec<Line> {
    let length = 1 + chance.weighted([0.42, 0.30, 0.17, 0.08, 0.03].into_iter());
    (0..length).map(|_| line(chance)).collect()
}

fn line(chance: &mut Chance) -> Line {
    let Product { sku, category, brand, price, margin, .. } =
        PRODUCTS[chance.weighted(PRODUCTS.iter().map(|product| product.demand))];
    let quantity = if price < 5_000 { chance.between(1, 4) } else { 1 };
    Line { sku, category, brand, quantity, price: Cents(price), margin }
}

/// What a deal ends in: a kitchen, planned and fitted.
pub(crate) fn kitchen(chance: &mut Chance) -> Vec<Line> {
    let price = Cents(chance.between(24, 78) * 10_000);
    vec![Line {
        sku: "KCH-500",
        category: "fitted kitchens",
        brand: "Atelier",
        quantity: 1,
        price,
        margin: 0.27,
    }]
}
