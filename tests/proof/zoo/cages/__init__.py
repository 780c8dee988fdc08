"""All animals, by name; a cage holds those of one kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.proof.zoo.cages import (
    bindings,
    breakers,
    conducts,
    decoders,
    files,
    journals,
    keys,
    lines,
    messages,
    secrets,
    tokens,
    transports,
    trust,
    verdicts,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.proof.zoo.animals import Animal

__all__ = ["ANIMALS", "CAGES"]

_MODULES: Final = (
    tokens,
    lines,
    messages,
    breakers,
    bindings,
    keys,
    verdicts,
    conducts,
    transports,
    trust,
    secrets,
    decoders,
    files,
    journals,
)
CAGES: Final[Mapping[str, tuple[Animal, ...]]] = {
    module.__name__.rpartition(".")[2]: module.ANIMALS for module in _MODULES
}
ANIMALS: Final[Mapping[str, Animal]] = {animal.name: animal for cage in CAGES.values() for animal in cage}
