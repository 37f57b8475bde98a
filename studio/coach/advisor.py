"""Puts together what the coach's rules look at: the request as it would be carried out, pictures, past.

Pictures are measured in the caller's thread and only once. What cannot be found out is left out: advice is
never a reason to refuse. Knows the service; the rules stand in `before` and `after`.
"""

from __future__ import annotations

import dataclasses
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pipelines.errors import LikenessError
from pipelines.request import GenerationRequest, Mode, Role
from studio.characters.records import BlueprintWords
from studio.coach import prompt_forms
from studio.coach.after import judge
from studio.coach.before import RULES, UPSCALE, advise
from studio.coach.facts import IntermediatePicture, ModelSettings, Result, Situation
from studio.coach.picture_facts import PictureFacts, look
from studio.coach.said import Advice, Judgement, RuleInfo
from studio.coach.source_change import SourceChange, measure
from studio.records import ImageRecord
from studio.service import StudioService

log = logging.getLogger(__name__)

_ANY_PROMPT = "…"
"""Stands in for a prompt not written yet, so that size and strength can be decided."""


class Advisor:
    """The coach of one studio. Thread-safe; quick once the pictures are known."""

    def __init__(self, service: StudioService) -> None:
        self._service = service

    def before(self, request: GenerationRequest, previous_image: str | None = None) -> tuple[Advice, ...]:
        """What to say about a request not made yet; `previous_image`: the last result of the same tab."""
        return advise(self.situation(request, previous_image))

    def after(self, image_id: str) -> Judgement:
        """How a picture came out. Raises NotFound, and RequestError for one that was not made here."""
        return judge(self.result(image_id))

    def rules(self) -> tuple[RuleInfo, ...]:
        """Every rule that may speak before Generate, with what it is about."""
        return tuple(
            RuleInfo(id=rule.__name__.replace("_", "-"), about=(rule.__doc__ or "").strip()) for rule in RULES
        )

    def situation(self, request: GenerationRequest, previous_image: str | None = None) -> Situation:
        """All that the rules look at."""
        now = self._alone(request)
        previous = self._previous(request, previous_image)
        if previous is None or previous_image is None:
            return now
        proposed = self._proposed(self._alone(previous), previous_image)
        return dataclasses.replace(now, previous=previous, proposed=proposed)

    def _alone(self, request: GenerationRequest) -> Situation:
        """A request, without what was before it."""
        completed = self._completed(request)
        sources = [self._record(reference.image_id) for reference in request.with_role(Role.SOURCE)[:1]]
        made_from = [record.request.prompt for record in sources if record and record.request]
        words = self._words(request.character)
        return Situation(
            request=completed,
            knobs=self._knobs(completed.model, completed.mode),
            pictures=self._pictures(request),
            source_prompt=made_from[0] if made_from else "",
            keep=tuple(entry.text for entry in words.keep) if words else (),
            written=self._written(words),
            asked_before=frozenset(
                part for record in sources if record for part in self._asked_below(record.id, request.prompt)
            ),
        )

    def _proposed(self, before: Situation, image_id: str) -> dict[str, list[Any]]:
        """What the coach offered to set for the request before, and after its picture."""
        steps = [step for advice in advise(before) for step in advice.steps]
        with suppress(LikenessError):
            steps += [step for advice in self.after(image_id).outcomes.values() for step in advice.steps]
        found: defaultdict[str, list[Any]] = defaultdict(list)
        for step in steps:
            for name, value in step.set.items():
                found[name].append(value)
        return dict(found)

    def result(self, image_id: str) -> Result:
        """A picture with its distances. Raises NotFound, RequestError."""
        record = self._service.image(image_id)
        request = self._service.history.request_of(image_id)
        parent = next((each.image_id for each in record.parents if each.role == Role.SOURCE), None)
        line = self._service.history.drift(image_id) if parent else None
        return Result(
            image_id=image_id,
            request=request,
            seed=record.seed,
            knobs=self._knobs(request.model, request.mode),
            change=self._change(image_id, parent) if parent else None,
            branch=tuple(
                IntermediatePicture(image_id=step.image_id, depth=step.depth, structure=step.drift.structure)
                for step in (line.branch if line else ())
            ),
        )

    def _completed(self, request: GenerationRequest) -> GenerationRequest:
        """As it would be carried out, but with the seed in the box; as sent where it cannot be."""
        sized = request if request.prompt.strip() else request.model_copy(update={"prompt": _ANY_PROMPT})
        try:
            completed, _ = self._service.preview_request(sized)
        except LikenessError:
            return request
        return completed.model_copy(update={"prompt": request.prompt, "seed": request.seed})

    def _knobs(self, model_id: str | None, mode: Mode) -> ModelSettings:
        model = self._service.model(model_id, add_ons=False) if model_id else None
        enlarges = self._service.has_ready_model(Mode.UPSCALE)
        if model is None or mode.value not in model.limits:
            return ModelSettings(modes=_with_enlarging(model.modes if model else (), enlarges=enlarges))
        limits, defaults = model.limits[mode.value], model.defaults[mode.value]
        return ModelSettings(
            fields=frozenset(limits.fields),
            guidance=limits.guidance_scale,
            usual_guidance=defaults.get("guidance_scale", ModelSettings().usual_guidance),
            modes=_with_enlarging(model.modes, enlarges=enlarges),
        )

    def _pictures(self, request: GenerationRequest) -> dict[str, PictureFacts]:
        found = {each.image_id: self._look(each.image_id) for each in request.references}
        return {image_id: facts for image_id, facts in found.items() if facts is not None}

    def _look(self, image_id: str) -> PictureFacts | None:
        try:
            return look(self._service.image_file(image_id)[0])
        except (LikenessError, OSError) as problem:
            log.info("no advice about picture %s: %s", image_id, problem)
            return None

    def _change(self, image_id: str, source: str) -> SourceChange | None:
        try:
            picture, original = (self._service.image_file(each)[0] for each in (image_id, source))
            return measure(picture, original, self._service.refinements.known(image_id))
        except (LikenessError, OSError) as problem:
            log.info("no measure of picture %s: %s", image_id, problem)
            return None

    def _words(self, character_id: str | None) -> BlueprintWords | None:
        if character_id is None:
            return None
        try:
            return self._service.characters.words(character_id)
        except LikenessError:
            return None

    def _written(self, words: BlueprintWords | None) -> tuple[str, ...]:
        """What the studio offers for prompts: of the character, of the active design."""
        design = self._service.designs.active()
        style = [design.style_prompt] if design else []
        entries = (*words.picker, *words.keep) if words else ()
        lines = [words.identity_line, words.description] if words else []
        return tuple(filter(None, [*style, *lines, *(entry.text for entry in entries)]))

    def _asked_below(self, image_id: str, prompt: str) -> Iterator[str]:
        """What pictures made from this one asked for, where the prompt asks for several things."""
        if len(prompt_forms.changes(prompt)) > 1:
            for earlier in self._service.history.prompts_below(image_id):
                yield from map(prompt_forms.plain, prompt_forms.changes(earlier))

    def _record(self, image_id: str) -> ImageRecord | None:
        try:
            return self._service.image(image_id)
        except LikenessError:
            return None

    def _previous(self, request: GenerationRequest, image_id: str | None) -> GenerationRequest | None:
        record = self._record(image_id) if image_id else None
        before = record.request if record else None
        if record is None or before is None or self._service.characters.asked_for(record.job_id or ""):
            return None  # what a sheet or a portrait was made with is the studio's own choice
        if [r.image_id for r in before.references] != [r.image_id for r in request.references]:
            return None
        return before.model_copy(update={"seed": before.seed if record.seed is None else record.seed})


def _with_enlarging(modes: tuple[str, ...], *, enlarges: bool) -> tuple[str, ...]:
    """The modes of a model, and that of an enlarger that is here: choosing it changes to the enlarger."""
    return (*modes, UPSCALE) if enlarges and UPSCALE not in modes else modes
