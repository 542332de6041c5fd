"""Which of many indices are one: a union-find whose clusters are named by their smallest."""


class Forest:
    """Which indices are one; each cluster is named by its smallest."""

    def __init__(self, size: int) -> None:
        self._parents = list(range(size))

    def root(self, index: int) -> int:
        """The smallest index of its cluster."""
        parents = self._parents
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    def join(self, one: int, other: int) -> None:
        """Make the clusters of both one."""
        low, high = self.pair(one, other)
        self._parents[high] = low

    def pair(self, one: int, other: int) -> tuple[int, int]:
        """The roots of both, the smaller first."""
        one, other = self.root(one), self.root(other)
        return (one, other) if one < other else (other, one)
