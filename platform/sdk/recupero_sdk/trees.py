"""What each column adds to the score of boosted trees, along the path that a row takes through each tree.

A node's value is the score of the rows that reach it; a step to a child moves it, and what it moves belongs
to the column that was asked (Saabas, 2014: interpreting random forests). Beside the mean the parts make up
the score exactly. They cost about two predictions, where Shapley values over trees cost ten or more; the
strongest reasons of shallow trees are mostly the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any


def contributions(booster: Any, matrix: Any) -> Any:
    """Rows × columns: how far each column moved the raw score (log-odds) of each row of a LightGBM
    booster."""
    import numpy as np
    from scipy.sparse import csr_matrix

    steps, firsts = _steps(booster)
    leaves = np.asarray(booster.predict(matrix, pred_leaf=True, num_threads=1), dtype=np.int64)
    rows, trees = len(matrix), len(firsts)
    at = (leaves.reshape(rows, trees) + firsts).ravel()
    passed = csr_matrix((np.ones(rows * trees), at, np.arange(rows + 1) * trees), (rows, steps.shape[0]))
    return np.asarray((passed @ steps).toarray())


@lru_cache(maxsize=16)
def _steps(booster: Any) -> tuple[Any, Any]:
    """What each column adds on the way to each leaf, all trees' leaves × columns, and each tree's first."""
    import numpy as np
    from scipy.sparse import csr_matrix

    trees = booster.dump_model()["tree_info"]
    firsts = np.cumsum([0, *(tree["num_leaves"] for tree in trees)])
    found = [
        (first + leaf, column, moved)
        for first, tree in zip(firsts[:-1].tolist(), trees, strict=True)
        for leaf, column, moved in _walked(tree["tree_structure"])
    ]
    leaf, column, moved = (np.array(each) for each in zip(*found, strict=True)) if found else ([], [], [])
    return csr_matrix((moved, (leaf, column)), (int(firsts[-1]), booster.num_feature())), firsts[:-1]


def _walked(root: Mapping[str, Any]) -> Iterator[tuple[int, int, float]]:
    """Leaf, column and what a step by it moved, for every step on the way to every leaf."""
    waiting: list[tuple[Mapping[str, Any], tuple[tuple[int, float], ...]]] = [(root, ())]
    while waiting:
        node, way = waiting.pop()
        if "split_feature" not in node:
            yield from ((node.get("leaf_index", 0), column, moved) for column, moved in way)
            continue
        for side in ("left_child", "right_child"):
            child = node[side]
            moved = child.get("internal_value", child.get("leaf_value")) - node["internal_value"]
            waiting.append((child, (*way, (node["split_feature"], moved))))
