"""Reports that go out by e-mail by themselves, once for each period."""
