"""The public sets on which models of actions are measured, by name."""

from recupero.decisions.public import bandit, hillstrom

SETS = {hillstrom.NAME: hillstrom.benchmark, bandit.NAME: bandit.benchmark}
