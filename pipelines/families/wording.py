"""Roles of references in words, for models that know "image 2" but nothing of roles.

Pure text: a family states its phrases, this module puts them before the artist's prompt. Knows no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.request import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What one family says for each role, and how it names a picture."""

    phrases: tuple[tuple[Role, str], ...]
    """Per role a phrase with `{pictures}` in it; said in this order."""
    picture: str = "image {number}"
    plain: Role | None = Role.SOURCE
    """References of this role alone need no words, where there is only one."""
    source_first: bool = False
    """The model gets the source before all others, whatever the artist's order."""

    def compose(self, prompt: str, roles: Sequence[Role]) -> str:
        """`prompt` after the phrases for references of `roles`, in the order in which the model gets them.

        Masks are not counted: they reach the model as masks.
        """
        seen = [role for role in roles if role is not Role.MASK]
        if not seen or seen == [self.plain]:
            return prompt
        if self.source_first:
            seen.sort(key=lambda role: role is not Role.SOURCE)
        numbered = {role: [i for i, r in enumerate(seen, start=1) if r is role] for role in seen}
        said = "; ".join(self._phrases(numbered))
        return f"{said[:1].upper()}{said[1:]}. {prompt}".strip()

    def _phrases(self, numbered: Mapping[Role, Sequence[int]]) -> list[str]:
        return [
            phrase.format(pictures=_enumerated([self.picture.format(number=n) for n in numbered[role]]))
            for role, phrase in self.phrases
            if role in numbered
        ]


def _enumerated(names: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


EDITING = Wording(
    phrases=(
        (Role.SOURCE, "edit {pictures}"),
        (Role.CHARACTER, "keep the person of {pictures}: the same face, hair and build"),
        (Role.STYLE, "take the style of {pictures}: palette, light and brushwork, not the subject"),
        (Role.STRUCTURE, "take pose and composition from {pictures}"),
    )
)
"""English phrases that models trained on numbered pictures understand."""
