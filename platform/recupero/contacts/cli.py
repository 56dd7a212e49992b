"""`recupero law …`: the law room's commands on the installed packs, those of `law_cli`, and the replay."""

from recupero.kernel.lazy import LazyGroup

law = LazyGroup(
    "law",
    help="Country packs and house rules; contacts proven, judged again, and tried under a bill.",
    places={
        "check": ("Judge scenario lines.", "recupero.contacts.packs_cli:check"),
        "list": (
            "Installed packs, and closed countries with the reason.",
            "recupero.contacts.packs_cli:packs",
        ),
        "policy": ("House rules above the law: show, set, lift.", "recupero.contacts.law_cli:policy"),
        "proof": ("Every rule that was consulted for a contact.", "recupero.contacts.law_cli:proof"),
        "replay": ("Judge every stored contact again.", "recupero.contacts.replaying:replay"),
        "show": ("The rules of a country with their sources.", "recupero.contacts.packs_cli:show"),
        "try": ("What a draft pack would change.", "recupero.contacts.law_cli:try_law"),
        "week": ("An account's coming days as the law sees them.", "recupero.contacts.law_cli:week"),
    },
)
