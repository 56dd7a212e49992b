"""The ways to a debtor: connectors, what their providers take, when they rest, and what the debtor wishes."""
