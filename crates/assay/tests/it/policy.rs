//! Policies: what a refused client prints, and how a decision is explained.
