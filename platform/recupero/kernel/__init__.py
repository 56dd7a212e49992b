"""What every room stands on: configuration, database and tenant scope, clock, money, crypto, audit, jobs."""
