"""What our work brought, and what another strategy would have: uplift, arms, trials on past decisions."""
