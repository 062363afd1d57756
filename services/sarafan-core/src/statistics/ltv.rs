//! Lifetime value from sums: `LTV = S x C x P x t` (METRICS 4).

/// The sums that lifetime value is made of, of one customer or of many, in one currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Customers.
    pub customers: i128,
    /// Purchases.
    pub purchases: i128,
    /// Lifetimes in units of 1/487 month, summed.
    pub months_487: i128,
    /// Revenue in 1/10 000.
    pub revenue: i128,
    /// Margin in 1/10 000.
    pub margin: i128,
}

/// The factors; none of them without revenue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factors {
    /// S: revenue per purchase, in currency units.
    pub average_check: f64,
    /// C: purchases per month.
    pub orders_per_month: f64,
    /// P: margin as a fraction of revenue.
    pub margin_rate: f64,
    /// t: lifetime in months.
    pub months: f64,
}

impl Sums {
    /// Lifetime of a customer in units of 1/487 month: max(487, 16 x days from first to last purchase). A month is
    /// 30.4375 days, which is 487/16.
    pub fn months_487(days: i32) -> i128 {
        (i128::from(days) * 16).max(487)
    }

    /// S, C, P and t; none without revenue.
    pub fn factors(&self) -> Option<Factors> {
        let sums = [self.revenue, self.purchases, self.months_487, self.customers];
        let months = self.months_487 as f64 / 487.0;
        sums.iter().all(|s| *s > 0).then(|| Factors {
            average_check: self.revenue as f64 / self.purchases as f64 / 10_000.0,
            orders_per_month: self.purchases as f64 / months,
            margin_rate: self.margin as f64 / self.revenue as f64,
            months: months / self.customers as f64,
        })
    }

    /// Margin per customer, in currency units: the product of the factors where there are any.
    pub fn ltv(&self) -> Option<f64> {
        (self.customers > 0).then(|| self.margin as f64 / self.customers as f64 / 10_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_oracle_of_metrics_comes_out() {
        // S 1200, C 1.5, P 30 %, t 24: one customer, 36 purchases over 24 months.
        let sums = Sums {
            customers: 1,
            purchases: 36,
            months_487: 24 * 487,
            revenue: 36 * 1200 * 10_000,
            margin: 36 * 1200 * 3_000,
        };
        let f = sums.factors().unwrap();
        assert_eq!((f.average_check, f.orders_per_month, f.margin_rate, f.months), (1200.0, 1.5, 0.3, 24.0));
        assert_eq!(sums.ltv(), Some(12_960.0));
    }

    proptest! {
        #[test]
        fn the_product_of_the_factors_is_the_margin_per_customer(
            customers in 1..1_000_i128, purchases in 1..10_000_i128, months_487 in 487..1_000_000_i128,
            revenue in 1..1_000_000_000_i128, margin in -1_000_000_i128..1_000_000_000,
        ) {
            // As fractions: revenue/purchases x purchases/months x margin/revenue x months/customers.
            let numerator = revenue * purchases * margin * months_487;
            let denominator = purchases * months_487 * revenue * customers;
            prop_assert_eq!(numerator * customers, margin * denominator);
            let sums = Sums { customers, purchases, months_487, revenue, margin };
            let f = sums.factors().unwrap();
            let product = f.average_check * f.orders_per_month * f.margin_rate * f.months;
            prop_assert!((product - sums.ltv().unwrap()).abs() <= 1e-9 * product.abs().max(1.0));
        }
    }
}
