"""Personal data on a page: in full for those who work the account, else with most of it hidden."""


def masked(value: str | None) -> str:
    """Enough to recognise what one knows, too little to learn it: `12.345.678-5` → `•••78-5`."""
    if not value:
        return "–"
    name, at, domain = value.partition("@")
    if at:
        return f"{name[:1]}•••@{domain}"
    return f"•••{value[-4:]}" if len(value) > 6 else "•••"
