"""The tools and resources an assistant finds, each one or two calls of the studio's REST."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.types import ContentBlock, ToolAnnotations
from pydantic import Field

from studio import __version__
from studio.assistants import shown, waiting
from studio.assistants.calls import StudioCalls

_WHOLE_BYTES = 2 * 2**20
"""Up to here a picture is shown as it is, larger ones as a thumbnail."""
_MOST_SHOWN = 4
_MOST_TOLD = 200
"""Signs of a reason in the log."""
_SDK_LOGS = ("mcp.shared.jsonrpc_dispatcher", "mcp.server.runner")
"""Where the SDK tells of requests that it could not answer: in a session, and without one."""
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_MAKES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
_ABOUT = """\
Likeness refines a character portrait step by step without losing who it is. Pictures live in a collection and
are named by id; each knows its request and its parents. Usual way: `search` or `submit` a first picture,
`refine` it with one short sentence at a time, look at the result, go on from the best one. `list_models` says
what is installed and what a model knows; `advise` says what to do next. Nothing here deletes anything."""

ImageId = Annotated[str, Field(description="Id of a picture of the collection.", pattern="^[0-9a-f]{8,64}$")]
JobId = Annotated[str, Field(description="Id of a job.", pattern="^[0-9a-f]{8,64}$")]


def make_server(calls: StudioCalls) -> MCPServer[Any]:
    """A server for one studio."""
    server: MCPServer[Any] = MCPServer(
        "likeness", title="Likeness", version=__version__, instructions=_ABOUT, log_level="WARNING"
    )
    for name in _SDK_LOGS:
        logging.getLogger(name).addFilter(in_one_line)  # the same each time, so it is there once
    tools = Tools(calls)
    for tool in (
        tools.list_models, tools.list_characters, tools.status, tools.compare, tools.lineage, tools.search,
        tools.advise,
    ):  # fmt: skip
        server.add_tool(tool, annotations=_READS)
    for tool in (tools.submit, tools.refine, tools.result, tools.cancel):
        server.add_tool(tool, annotations=_MAKES, structured_output=False)
    server.resource(
        "likeness://images/{image_id}",
        name="picture",
        description="A picture of the collection, its stored bytes.",
        mime_type="image/png",
    )(tools.whole_picture)
    return server


def in_one_line(record: logging.LogRecord) -> bool:
    """A call that asks for what is not there, or in values that fit nothing, tells no way through the SDK."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, ValueError):
        record.msg, record.args = "%s: %s", (record.getMessage(), repr(error)[:_MOST_TOLD])
        record.exc_info = record.exc_text = None
    return True


class Tools:
    """What an assistant can ask of one studio; the first line of each is what it reads."""

    def __init__(self, calls: StudioCalls) -> None:
        self._calls = calls

    async def list_models(self, ready_only: bool = True) -> list[dict[str, Any]]:
        """The models: what each can do (modes), whether it is installed, and the settings it starts with."""
        models = await self._calls.get("/models")
        names = ("id", "label", "description", "modes", "available", "licence", "defaults")
        return [
            {name: model[name] for name in names}
            for model in models
            if model["available"] == "ready" or not ready_only
        ]

    async def list_characters(self, name: str | None = None) -> list[dict[str, Any]]:
        """The cast: id, name and description of each character, to be named in a request as `character`."""
        cast = await self._calls.get("/characters", q=name)
        return [{key: one.get(key) for key in ("id", "name", "description")} for one in cast]

    async def submit(
        self,
        prompt: Annotated[str, Field(description="What to draw, or what to change.")],
        ctx: Context[Any, Any],
        mode: str = "text_to_image",
        model: str | None = None,
        references: Annotated[
            Sequence[str], Field(description="Ids of pictures, the source first.", max_length=10)
        ] = (),
        seed: int | None = None,
        number: Annotated[int, Field(ge=1, le=8, description="Pictures.")] = 1,
        settings: Annotated[
            dict[str, Any] | None,
            Field(
                description="Further fields of a request, e.g. guidance_scale, aspect_ratio, negative_prompt."
            ),
        ] = None,
        wait: Annotated[bool, Field(description="Wait for the pictures, else answer with the job.")] = False,
    ) -> list[ContentBlock]:
        """Queue a request for pictures. With `wait` it tells progress; a cancelled call cancels the job."""
        body = (settings or {}) | {"prompt": prompt, "mode": mode, "num_images": number}
        if references:
            body["references"] = [{"image_id": each} for each in references]
        body |= {name: value for name, value in (("model", model), ("seed", seed)) if value is not None}
        return await self._made(body, ctx, wait=wait)

    async def refine(
        self,
        image_id: ImageId,
        sentence: Annotated[str, Field(description="One change, e.g. “give her glasses”.")],
        ctx: Context[Any, Any],
        model: str | None = None,
        seed: int | None = None,
        wait: Annotated[bool, Field(description="Wait for the picture, else answer with the job.")] = True,
    ) -> list[ContentBlock]:
        """Change a picture by a sentence; what was not asked for stays. Makes a picture of its own."""
        body: dict[str, Any] = {
            "mode": "smart_edit", "prompt": sentence, "references": [{"image_id": image_id}],
        }  # fmt: skip
        body |= {name: value for name, value in (("model", model), ("seed", seed)) if value is not None}
        return await self._made(body, ctx, wait=wait)

    async def status(self, job_id: JobId | None = None) -> dict[str, Any]:
        """How far a job is; without an id, what runs and waits."""
        if job_id is not None:
            return shown.job(await self._calls.get(f"/jobs/{job_id}"))
        running, queued = [await self._calls.get("/jobs", status=each) for each in ("running", "queued")]
        health = await self._calls.get("/health")
        return {
            "studio": health["worker"]["detail"],
            "running": [shown.job(each) for each in running],
            "waiting": [shown.job(each) for each in queued],
        }

    async def result(self, job_id: JobId, ctx: Context[Any, Any]) -> list[ContentBlock]:
        """The pictures of a job, to be seen, with links; waits for its end and tells progress meanwhile."""
        job = await waiting.ended(self._calls, job_id, ctx.report_progress, own=False)
        return await self._shown(job)

    async def cancel(self, job_id: JobId) -> list[ContentBlock]:
        """End a job that waits or runs; what it has made stays."""
        job = await self._calls.post(f"/jobs/{job_id}/cancel")
        return shown.blocks(json.dumps(shown.job(job)), [], [])

    async def compare(self, image_id: ImageId, against: ImageId | None = None) -> dict[str, Any]:
        """What was asked for otherwise than for its parent or any other picture, and how far it drifted."""
        changes = await self._calls.get(f"/images/{image_id}/changes", against=against)
        drift = await self._calls.get(f"/images/{image_id}/drift", against=against)
        return {
            "changes": [each["words"] for each in changes],
            "compared_with": drift["anchor_id"],
            "measured": drift["drift"],
            "face": drift["face_reason"],
        }

    async def lineage(self, image_id: ImageId) -> dict[str, Any]:
        """What a picture came from and all that came of it, oldest first."""
        family = await self._calls.get(f"/images/{image_id}/family")
        record = await self._calls.get(f"/images/{image_id}")
        nodes = [
            shown.picture(node["image"], self._calls.url) | {"generation": node["generation"]}
            for node in family["nodes"]
        ]
        return {
            "picture": shown.picture(record, self._calls.url),
            "roots": family["root_ids"],
            "family": nodes,
        }

    async def search(
        self,
        words: Annotated[str, Field(description="In prompts, names and tags; empty: the newest.")] = "",
        limit: Annotated[int, Field(ge=1, le=50)] = 10,
        starred: bool | None = None,
        category: Literal["generated", "edited", "upload", "imported"] | None = None,
    ) -> list[dict[str, Any]]:
        """Pictures of the collection, newest first."""
        given = {"q": words or None, "limit": limit, "category": category, "starred": starred}
        page = await self._calls.get("/images", **given)
        return [shown.picture(record, self._calls.url) for record in page["items"]]

    async def advise(
        self, image_id: ImageId | None = None, request: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """What to try next: about a picture that was made, or about a request before it is queued."""
        if (image_id is None) == (request is None):
            raise ToolError("Give the id of a picture, or a request, one of them.")
        if image_id is not None:
            return await self._calls.get(f"/images/{image_id}/advice")
        return {"advice": await self._calls.post("/advice", {"request": request})}

    async def whole_picture(self, image_id: str) -> bytes:
        """The stored bytes of a picture."""
        try:
            content, _ = await self._calls.file(f"/images/{image_id}/file")
        except ToolError as error:  # of a resource the SDK would take it for a crash, and keep the words
            raise ResourceError(str(error)) from error
        return content

    async def _made(self, body: dict[str, Any], ctx: Context[Any, Any], *, wait: bool) -> list[ContentBlock]:
        job = await self._calls.post("/jobs", body)
        if not wait:
            return shown.blocks(json.dumps(shown.job(job), ensure_ascii=False), [], [])
        done = await waiting.ended(self._calls, job["id"], ctx.report_progress, own=True)
        return await self._shown(done | {"notices": job["notices"]})

    async def _shown(self, job: dict[str, Any]) -> list[ContentBlock]:
        records = [await self._calls.get(f"/images/{each}") for each in job["images"]]
        pictures = [await self._seen(record) for record in records[:_MOST_SHOWN]]
        answer = shown.job(job) | {"images": [shown.picture(each, self._calls.url) for each in records]}
        words = json.dumps(answer, ensure_ascii=False)
        return shown.blocks(words, pictures, [shown.link(each) for each in records])

    async def _seen(self, record: dict[str, Any]) -> tuple[str, str]:
        small = record["size_bytes"] <= _WHOLE_BYTES
        content, mime = await self._calls.file(f"/images/{record['id']}/{'file' if small else 'thumbnail'}")
        return base64.b64encode(content).decode("ascii"), mime
