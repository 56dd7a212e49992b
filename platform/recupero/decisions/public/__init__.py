"""Public data sets, read as the platform reads its own history: one file each."""
