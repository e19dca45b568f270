"""Trees, against the vectors of RFC 6962's reference code and against RFC 9162's definitions."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from groat.audit.domain.record import leaf_hash
from groat.audit.domain.tree import (
    Frontier,
    LeafRange,
    ProofMismatch,
    Subtree,
    consistency_path,
    inclusion_path,
    node_hash,
    require_consistency,
    root_of,
    root_of_inclusion,
)
from tests.unit.audit import reference_tree as reference

ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
ENTRIES += ["606162636465666768696a6b6c6d6e6f"]
LEAVES = [leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSIONS = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCIES = {
    (1, 1): [],
    (1, 8): INCLUSIONS[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
SIZES = st.integers(1, 1_000)


def grown(leaves: list[bytes]) -> tuple[Frontier, dict[Subtree, bytes]]:
    """Return a tree of these leaves, and the hashes of all its subtrees."""
    frontier, completed = Frontier().extended(leaves)
    stored = {Subtree(0, index): leaf for index, leaf in enumerate(leaves)}
    return frontier, stored | dict(completed)


def hashes(parts: list[LeafRange], stored: dict[Subtree, bytes]) -> list[bytes]:
    return [root_of([stored[one] for one in part.subtrees()]) for part in parts]


def leaves_of(size: int, seed: int = 0) -> list[bytes]:
    return [hashlib.sha256(b"%d of %d" % (number, seed)).digest() for number in range(size)]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_rfc(size: int) -> None:
    assert grown(LEAVES[:size])[0].root().hex() == ROOTS[size]


@pytest.mark.parametrize(("place", "expected"), INCLUSIONS.items())
def test_inclusion_paths_are_those_of_the_rfc(place: tuple[int, int], expected: list[str]) -> None:
    index, size = place
    path = hashes(inclusion_path(index, size), grown(LEAVES[:size])[1])
    assert [one.hex() for one in path] == expected
    assert root_of_inclusion(LEAVES[index], index, size, path).hex() == ROOTS[size]


@pytest.mark.parametrize(("sizes", "expected"), CONSISTENCIES.items())
def test_consistency_paths_are_those_of_the_rfc(
    sizes: tuple[int, int], expected: list[str]
) -> None:
    old, size = sizes
    path = hashes(consistency_path(old, size), grown(LEAVES[:size])[1])
    assert [one.hex() for one in path] == expected
    old_root, root = bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[size])
    require_consistency(old, old_root, size, root, path)


@given(SIZES, st.data())
@example(1, None)
def test_roots_and_paths_are_those_of_the_definition(size: int, data: st.DataObject | None) -> None:
    leaves = leaves_of(size)
    frontier, stored = grown(leaves)
    assert frontier.root() == reference.head(leaves)
    places = st.integers(0, size - 1)
    index, old = (data.draw(places), data.draw(places) + 1) if data else (0, 1)
    included = hashes(inclusion_path(index, size), stored)
    assert included == reference.path(index, leaves)
    extended = hashes(consistency_path(old, size), stored)
    assert extended == reference.proof(old, leaves)


@given(SIZES, st.data())
def test_proofs_are_accepted_where_the_rfc_accepts_them_and_nowhere_else(
    size: int, data: st.DataObject
) -> None:
    """A proof, or the same proof with one change, is right or wrong to both."""
    leaves = leaves_of(size)
    root, index = reference.head(leaves), data.draw(st.integers(0, size - 1))
    path = reference.path(index, leaves)
    claimed = data.draw(st.sampled_from([index, index ^ 1, size - 1]))
    changed = data.draw(_changed(path))
    right = reference.proves_inclusion(leaves[index], claimed, size, root, changed)
    assert right == _holds(leaves[index], claimed, size, root, changed)
    assert right == ((claimed, changed) == (index, path))


@given(st.integers(2, 1_000), st.data())
def test_consistency_is_accepted_where_the_rfc_accepts_it_and_nowhere_else(
    size: int, data: st.DataObject
) -> None:
    leaves = leaves_of(size)
    old = data.draw(st.integers(1, size - 1))
    changed = data.draw(_changed(reference.proof(old, leaves)))
    old_root = data.draw(st.sampled_from([reference.head(leaves[:old]), leaves[0]]))
    root = reference.head(leaves)
    right = reference.proves_consistency(old, old_root, size, root, changed)
    try:
        require_consistency(old, old_root, size, root, changed)
    except ProofMismatch:
        assert not right
    else:
        assert right


@given(st.lists(st.integers(0, 300), max_size=6))
def test_a_tree_grows_to_the_same_root_in_any_steps(steps: list[int]) -> None:
    leaves = leaves_of(sum(steps))
    frontier, done = Frontier(), 0
    found: dict[Subtree, bytes] = {}
    for step in steps:
        frontier = Frontier.unpacked(frontier.size, frontier.packed())
        frontier, completed = frontier.extended(leaves[done : done + step])
        done += step
        assert not found.keys() & dict(completed).keys()
        found |= dict(completed)
    assert frontier == grown(leaves)[0]
    for one, found_hash in found.items():
        start = one.number << one.level
        assert found_hash == reference.head(leaves[start : start + (1 << one.level)])


def test_every_tree_extends_the_empty_tree_and_itself() -> None:
    frontier, _ = grown(LEAVES)
    require_consistency(0, Frontier().root(), 8, frontier.root(), [])
    require_consistency(8, frontier.root(), 8, frontier.root(), [])
    with pytest.raises(ProofMismatch):
        require_consistency(8, LEAVES[0], 8, frontier.root(), [])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (8, 8), (-1, 8)])
def test_a_leaf_beyond_the_tree_has_no_path(index: int, size: int) -> None:
    with pytest.raises(ProofMismatch):
        inclusion_path(index, size)


def test_a_smaller_tree_extends_no_larger_one() -> None:
    with pytest.raises(ProofMismatch):
        consistency_path(3, 2)


def test_peaks_of_another_size_are_refused() -> None:
    with pytest.raises(ProofMismatch):
        Frontier.unpacked(2, bytes(64))


def test_a_node_is_never_taken_for_a_leaf() -> None:
    assert node_hash(LEAVES[0], LEAVES[1]) != leaf_hash(LEAVES[0] + LEAVES[1])


def _holds(leaf: bytes, index: int, size: int, root: bytes, path: list[bytes]) -> bool:
    try:
        return root_of_inclusion(leaf, index, size, path) == root
    except ProofMismatch:
        return False


@st.composite
def _changed(draw: st.DrawFn, path: list[bytes]) -> list[bytes]:
    """Return the path as it is, or with a hash altered, added, removed or moved."""
    how = draw(st.sampled_from(["right", "altered", "longer", "shorter", "reversed"]))
    match how:
        case "altered" if path:
            at = draw(st.integers(0, len(path) - 1))
            return [*path[:at], bytes(32), *path[at + 1 :]]
        case "longer":
            return [*path, path[-1] if path else bytes(32)]
        case "shorter":
            return path[:-1]
        case "reversed":
            return path[::-1]
        case _:
            return path
