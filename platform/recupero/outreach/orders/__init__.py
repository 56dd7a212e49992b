"""What people order: drafts, proposals that wait for a yes, and orders for many at once."""
