"""The public data sets that `recupero models benchmark` knows, by name (those of texts: `publictexts`)."""

from recupero.decisions.public import accounts_receivable, bank_marketing, bank_recovery_rd, credit_default_tw
from recupero.decisions.public.benchmark import PublicSet

SETS: dict[str, PublicSet] = {
    each.SET.name: each.SET
    for each in (accounts_receivable, bank_marketing, bank_recovery_rd, credit_default_tw)
}
