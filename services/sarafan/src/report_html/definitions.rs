//! What the figures mean, in plain words, with the section of METRICS that defines each.

/// A term, what it means, and where it is defined.
pub(super) struct Definition {
    pub(super) term: &'static str,
    pub(super) meaning: &'static str,
    pub(super) section: &'static str,
}

/// Every term that the page uses.
pub(super) const DEFINITIONS: [Definition; 12] = [
    Definition {
        term: "Net Promoter Score (NPS)",
        meaning: "People say from 0 to 10 how likely they are to recommend us. The share of 9 and 10 (promoters) less the share of \
                  0 to 6 (detractors), in points from −100 to 100; 7 and 8 (passives) only count in the number of answers.",
        section: "METRICS 2",
    },
    Definition {
        term: "n",
        meaning: "How many scored answers or customers a figure is of. Below 30, a figure is too unsure to rank by.",
        section: "METRICS 2",
    },
    Definition {
        term: "95% interval",
        meaning: "Where the true figure lies in 19 of 20 such samples: for NPS adjusted Wald, for repeat purchases Greenwood.",
        section: "METRICS 2, 3",
    },
    Definition {
        term: "Significant",
        meaning: "A change that chance alone would bring in fewer than 1 of 20 cases, with at least 30 answers in both periods.",
        section: "METRICS 2",
    },
    Definition {
        term: "Population",
        meaning: "Whose answers count: every answer, or only the latest of each customer or order in the period. Each is a figure \
                  of its own, and surveys are never added together.",
        section: "METRICS 2",
    },
    Definition {
        term: "Response rate",
        meaning: "Scored answers in a hundred invitations delivered, of those old enough to have been answered; a reminder is part \
                  of its invitation.",
        section: "METRICS 2",
    },
    Definition {
        term: "Target, benchmark, band",
        meaning: "Reference lines that the deployment names, each valid from a day to a day; a band says in which range an NPS lies.",
        section: "METRICS 2",
    },
    Definition {
        term: "Customers who came back",
        meaning: "Customers with at least two purchases among those with at least one. Orders that were split for shipping are one \
                  purchase; cancelled and wholly refunded ones are none.",
        section: "METRICS 1, 3",
    },
    Definition {
        term: "Kaplan-Meier probability",
        meaning: "How probable the next purchase is within so many days, when customers who have not had that long are not counted \
                  as lost.",
        section: "METRICS 3",
    },
    Definition {
        term: "New, returning, reactivated, lapsed",
        meaning: "First purchase in the month; bought the month before too; bought earlier, but not the month before; bought the \
                  month before, but not in this one.",
        section: "METRICS 3",
    },
    Definition {
        term: "Lifetime value (LTV)",
        meaning: "Margin per customer to date: average check S × purchases a month C × margin rate P × months from the first to \
                  the last purchase t.",
        section: "METRICS 4",
    },
    Definition {
        term: "Value at the same age",
        meaning: "Margin per customer within so many days of the first order, of the customers who are that old: fit to compare \
                  old and young segments.",
        section: "METRICS 4",
    },
];
