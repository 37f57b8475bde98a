"""All events of the page: what the artist does on one panel and what it changes on the others.

Handlers are thin: read the state from the controls, apply one transition, settle, show the difference. They
are asked one after the other, through one component, and write no values into the controls themselves: the
browser puts in what the artist has not changed since. Knows the service's verbs and the panels; the rules
stand in `state`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import gradio as gr

from pipelines.errors import LikenessError, NotFound, RequestError
from pipelines.families.settings import INFLUENCE, SEED
from pipelines.request import GenerationRequest, Mode, Role
from studio.json_values import is_list, is_object
from studio.records import ImageRecord, ModelInfo
from studio.service import StudioService
from studio.ui.boundary import data_of, event, guarded, warn
from studio.ui.controls import Availability, Controls, Updates
from studio.ui.knobs import find_model, knobs_of
from studio.ui.panels.generate import GeneratePanel
from studio.ui.reuse import apply_foreign, apply_record, reuse_references, reuse_seed
from studio.ui.settle import settle
from studio.ui.state import StudioState
from studio.ui.widgets.base import page_js
from studio.ui.widgets.changes import Changes

Verb = Callable[[Mapping[str, Any], Sequence[object]], Updates]
"""What one action does: from what the browser says of it and the controls' values to updates."""

LOST_REFERENCES = "Some references of this picture are no longer in the collection; they are left out."
LOST_CHARACTER = "The character this picture was made for is no longer in the studio; none is loaded."
UNKNOWN_MODEL = "The model this picture was made with is not in this studio."

TO_INPAINT = "Switched to Inpaint: only what you painted changes, every other pixel stays."

ONLY_HERE = "Only what you painted changes; say the change in words."

UNKNOWN_ACTION = "The studio does not know that action. Reload the page."

SENT = page_js("changes.sent(values)")
MERGE = page_js("changes.merge(values[0], values.slice(1))")
DONE = page_js("changes.done(true)")
REFUSED = page_js("changes.done(false)")
GENERATE = page_js("generate(values)")
FRESH = StudioState().values()
"""What the controls hold on a page just opened."""
_MANY = 64
"""Pictures one action takes at most: more than there can be references, or steps worth applying again."""
RANDOM_SEED_JS = "() => '-1'"
LAST_SEED_JS = page_js("lastSeed() ?? '-1'")
STRENGTH_JS = page_js("showStrength(...values)")


@dataclass(frozen=True, slots=True)
class StudioHandlers:
    """What the events of the Studio do; each takes the controls' values and answers with updates."""

    service: StudioService
    controls: Controls
    verbs: dict[str, Verb] = field(default_factory=dict[str, Verb])
    """Actions that others have brought along, by name."""

    def answer(self, data: Mapping[str, Any], values: Sequence[object]) -> Updates:
        """Do what the browser asks for; without an action, let the rest follow what was changed.

        `data` may be sent by anyone. Raises NotFound, RequestError.
        """
        action, many = str(data.get("action", "")), data.get("image_ids")
        if not action:
            return self.changed(*values)
        if action == "generate":
            self.generate(*values, data.get("tab"))
            return {}
        if action in self.verbs:
            return self.verbs[action](data, values)
        if is_list(many):
            ids = [str(image_id) for image_id in many]
            if action in ("paint", "unpaint"):
                return self.paint(ids, values, limits=data.get("how") == "limit")
            return self.act_on_many(action, ids, values)
        return self.act(action, str(data.get("image_id", "")), values)

    def restore(self, saved: object) -> Updates:
        """Show what this tab had before: references that are still there, mode, settings, prompt."""
        state = StudioState.read(saved if is_object(saved) else {})
        kept = [r for r in state.references if self._is_present(r.image_id)]
        if len(kept) != len(state.references):
            state = state.with_references(kept)
        return self._show(state, shown=FRESH)

    def changed(self, *values: object) -> Updates:
        """References, mode or model were changed on their widgets: let the rest follow."""
        before = self.controls.read(values)
        return self._show(before, shown=before.values())

    def act(self, action: str, image_id: str, values: Sequence[object]) -> Updates:
        """Carry out an action on a picture. Raises NotFound, RequestError."""
        before = self.controls.read(values)
        record = self.service.image(image_id)
        return self._show(self._after(before, action, record), shown=before.values())

    def act_on_many(self, action: str, image_ids: Sequence[str], values: Sequence[object]) -> Updates:
        """Carry out an action on several pictures, in their order. Raises NotFound, RequestError."""
        before = self.controls.read(values)
        records = [self.service.image(image_id) for image_id in image_ids[:_MANY]]
        return self._show(_after_many(before, action, records), shown=before.values())

    def paint(self, image_ids: Sequence[str], values: Sequence[object], *, limits: bool) -> Updates:
        """A mask (second) on a picture (first), or none any more. Raises NotFound, RequestError.

        `limits`: a mode that edits in words stays, and what it changes outside the mask is not kept. Else
        only what the mask shows is drawn anew.
        """
        before = self.controls.read(values)
        if not image_ids:
            raise RequestError("Choose a picture first.")
        picture, *masks = [self.service.image(image_id).id for image_id in image_ids[:2]]
        after = before.with_mask(picture, masks[0] if masks else None)
        return self._show(self._mode_of_mask(after, masked=bool(masks), limits=limits), shown=before.values())

    def _mode_of_mask(self, state: StudioState, *, masked: bool, limits: bool) -> StudioState:
        if not masked:
            return state.set_mode(Mode.SMART_EDIT) if state.mode is Mode.INPAINT else state
        if not limits:
            warn((TO_INPAINT,) if state.mode is not Mode.INPAINT else ())
            return state.set_mode(Mode.INPAINT)
        takes = Role.MASK in knobs_of(self._model(state.model), state.mode).limits.roles
        warn((ONLY_HERE,))
        return state if takes and state.mode is not Mode.INPAINT else state.set_mode(Mode.SMART_EDIT)

    def transition(self, change: Callable[[StudioState], StudioState], values: Sequence[object]) -> Updates:
        """Let `change` make the new state. Raises what it raises."""
        before = self.controls.read(values)
        return self._show(change(before), shown=before.values())

    def check(self, *values: object) -> list[str]:
        """What Generate would have to tell, as quiet sentences; nothing while there is nothing to make."""
        state = self.controls.read(values)
        if not state.prompt.strip() and not state.references:
            return []
        try:
            return list(self.service.preview_request(self._request(state))[1])
        except LikenessError as refusal:
            return [] if refusal.field == "prompt" else [refusal.detail]

    def checked(self, *values: object) -> dict[str, Any]:
        """What `check` tells, and what Generate would ask for, as an update."""
        request = self.asked(*values)
        loras = self.service.called_loras(request) if request else ()
        scene = {
            "request": request.model_dump(mode="json", exclude_unset=True) if request else None,
            "loras": [asdict(each) for each in loras],
        }
        return gr.update(value=self.check(*values), scene=scene)

    def asked(self, *values: object) -> GenerationRequest | None:
        """What Generate would ask for; nothing where the settings cannot be read."""
        try:
            return self._request(self.controls.read(values))
        except LikenessError:
            return None

    def generate(self, *values: object) -> None:
        """Queue a job for the tab named by the last value. Raises RequestError."""
        *rest, tab = values
        self.service.submit(self._request(self.controls.read(rest)), tab=str(tab)[:64] if tab else None)

    # --- parts --------------------------------------------------------------------------------

    def _request(self, state: StudioState) -> GenerationRequest:
        return state.to_request(knobs_of(self._model(state.model), state.mode))

    def _model(self, model_id: str | None) -> ModelInfo | None:
        return self.service.model(model_id) if model_id else None

    def _after(self, state: StudioState, action: str, record: ImageRecord) -> StudioState:
        match action:
            case "use":
                return state.use_reference(record.id)
            case "add":
                return state.add_reference(record.id)
            case "edit":
                return state.edit_image(record.id)
            case "reuse_seed":
                return reuse_seed(state, record)
            case "reuse_references":
                return reuse_references(state, record, self._present_references(record))
            case "reuse_settings":
                return self._reuse_settings(state, record)
            case "reuse_foreign":
                said = self.service.exchange.metadata(record.id).settings
                return apply_foreign(state, said, self.service.models(add_ons=False))
            case _:
                raise RequestError(UNKNOWN_ACTION)

    def _reuse_settings(self, state: StudioState, record: ImageRecord) -> StudioState:
        applied = apply_record(state, record, self._present_references(record))
        if applied.character and not self.service.characters.exists(applied.character):
            warn((LOST_CHARACTER,))
            applied = applied.model_copy(update={"character": None})
        if self._model(applied.model) is not None:
            return applied.with_knobs_kept()
        warn((UNKNOWN_MODEL,))
        return applied.model_copy(update={"model": state.model}).with_knobs_kept()

    def _present_references(self, record: ImageRecord) -> frozenset[str]:
        asked = (
            frozenset(r.image_id for r in record.request.references) if record.request else frozenset[str]()
        )
        present = frozenset(each.id for each in self.service.used_references(record.id)) & asked
        if present != asked:
            warn((LOST_REFERENCES,))
        return present

    def _is_present(self, image_id: str) -> bool:
        try:
            self.service.image(image_id)
        except NotFound:
            return False
        return True

    def _show(self, state: StudioState, *, shown: dict[str, object]) -> Updates:
        models = self.service.models(add_ons=False)
        settled = settle(state, models)
        warn(settled.warnings)
        models = self._with_add_ons(models, settled.state.model)
        return self.controls.updates(settled.state, models, self._availability(settled.state, models), shown)

    def _with_add_ons(self, models: Sequence[ModelInfo], model_id: str | None) -> tuple[ModelInfo, ...]:
        """The same, the chosen one with what goes with it."""
        chosen = self.service.model(model_id) if model_id else None
        return tuple(chosen if chosen and each.id == chosen.id else each for each in models)

    def _availability(self, state: StudioState, models: Sequence[ModelInfo]) -> Availability:
        if find_model(models, state.model) is None:
            return dict.fromkeys(Mode, "There is no model to use.")
        own = self.service.mode_availability(str(state.model), _shown(state))
        return {mode: self._reason(mode, reason, state, models) for mode, reason in own.items()}

    def _reason(
        self, mode: Mode, reason: str | None, state: StudioState, models: Sequence[ModelInfo]
    ) -> str | None:
        """A mode that the chosen model lacks can be chosen where another has it, which then takes over."""
        chosen = find_model(models, state.model)
        if reason is None or chosen is None or mode in chosen.modes:
            return reason
        others = (model for model in models if mode in model.modes and model.available == "ready")
        of_others = (self.service.mode_availability(m.id, _shown(state))[mode] for m in others)
        return next((None for other in of_others if other is None), reason)


def _shown(state: StudioState) -> int:
    """How many references a model sees; a mask may stand beside them."""
    return sum(reference.role is not Role.MASK for reference in state.references)


def _after_many(state: StudioState, action: str, records: Sequence[ImageRecord]) -> StudioState:
    """`use_all`: the pictures are the references; `edit_together`: the first one, with the others' edits."""
    if not records:
        raise RequestError("Choose a picture first.")
    if action == "use_all":
        return state.use_references([record.id for record in records])
    if action == "edit_together":
        edits = [record.request.prompt for record in records[1:] if record.request is not None]
        return state.edit_together(records[0].id, edits)
    raise RequestError(UNKNOWN_ACTION)


def bind_studio(page: gr.Blocks, handlers: StudioHandlers, generate: GeneratePanel) -> None:
    """Bind everything that happens on the settings side, and what actions on pictures change there."""
    _bind_memory(page, handlers, generate)
    _bind_changes(handlers, generate.changes)
    settings = handlers.controls.settings
    seed, influence = settings.controls[SEED.name], settings.controls[INFLUENCE.name]
    settings.dice.click(None, outputs=seed, js=RANDOM_SEED_JS, **QUIET)
    event(settings.seed_memory, "used")(None, outputs=seed, js=LAST_SEED_JS, **QUIET)
    event(influence, "change")(None, inputs=influence, js=STRENGTH_JS, **QUIET)
    generate.button.click(None, inputs=handlers.controls.inputs, js=GENERATE, **QUIET)


QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def _bind_changes(handlers: StudioHandlers, changes: Changes) -> None:
    controls = handlers.controls
    asked = event(changes, "asked")(
        guarded(_on_asked(handlers, changes)),
        inputs=controls.inputs,
        outputs=[*controls.outputs, changes],
        js=SENT,
        trigger_mode="multiple",
        **QUIET,
    )
    asked.success(
        None, inputs=[changes, *controls.inputs], outputs=controls.inputs, js=MERGE, **QUIET
    ).success(None, js=DONE, **QUIET)
    asked.failure(None, js=REFUSED, **QUIET)


def _on_asked(handlers: StudioHandlers, changes: Changes) -> Callable[..., Updates]:
    def on_asked(asked: gr.EventData, *values: object) -> Updates:
        updates = handlers.answer(data_of(asked), values)
        return {**_options(updates), changes: _new_values(handlers.controls, updates)}

    return on_asked


def _options(updates: Updates) -> Updates:
    """What of the updates concerns choices, ranges and what is shown at all."""
    return {
        component: {name: value for name, value in update.items() if name != "value"}
        for component, update in updates.items()
    }


def _new_values(controls: Controls, updates: Updates) -> dict[str, Any]:
    """The values of the updates by the place of their control; `again`: places that must not have changed."""
    inputs = controls.inputs
    values = {
        str(place): updates[each]["value"]
        for place, each in enumerate(inputs)
        if "value" in updates.get(each, {})
    }
    return {"values": values, "again": [inputs.index(controls.references.strip)]}


def _bind_memory(page: gr.Blocks, handlers: StudioHandlers, generate: GeneratePanel) -> None:
    controls = handlers.controls
    names = json.dumps(list(controls.by_name))
    remember, recalled = (page_js(f"{verb}({names}, values)") for verb in ("remember", "recalled"))
    changes = [event(component, "change") for component in controls.inputs]
    event(gr, "on")(changes, None, inputs=controls.inputs, js=remember, **QUIET)
    restored = event(page, "load")(
        guarded(handlers.restore),
        inputs=generate.notices,
        outputs=controls.outputs,
        js=page_js("recall()"),
        **QUIET,
    )
    restored.success(None, inputs=controls.inputs, js=recalled, **QUIET)
