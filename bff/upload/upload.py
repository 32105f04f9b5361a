"""One upload: which image it is for, and the way of its bytes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field, replace

from bff.context import Caller, ProjectContext
from bff.errors import BffError, Code
from bff.progress.hub import Hub
from bff.upload.body import Body
from bff.upload.head import (
    SIZE,
    Head,
    agreed,
    checked_image_id,
    checked_project_id,
    size_of,
    too_large,
)
from bff.upload.multipart import IMAGE_ID, PROJECT_ID, Form
from bff.upload.spool import Spools
from bff.upload.turns import Turns


@dataclass(frozen=True)
class Target:
    """An image that waits for its data, in its project."""

    context: ProjectContext
    image_id: str


@dataclass
class Upload:
    """A file on its way from one request into one image.

    Args:
        most: The largest file, in bytes; 0 for any.
        image_id: Known from the head or from the form.
        count: The file's bytes that have come.
        held: What ends with it.
    """

    caller: Caller
    body: Body
    spools: Spools
    turns: Turns
    hub: Hub
    most: int
    image_id: str | None = None
    count: int = 0
    held: ExitStack = field(default_factory=ExitStack)

    async def run(self, head: Head) -> None:
        """Store the file; when this returns, the image is `active` and is what was sent.

        Everything that can be checked is checked before the first byte of the body is asked for:
        only then does a client that waits for ``100 Continue`` send any.

        Raises:
            BffError: the file was not stored.
        """
        with self.held:
            await self._run(head)

    async def _run(self, head: Head) -> None:
        if self.caller.refusal is not None:
            raise self.caller.refusal
        await self.caller.token(head.project_id)
        target = None
        if head.image_id is not None:
            target = await self._target(head.image_id, head.project_id)
        if head.boundary is not None:
            await self._store_form(Form(self.body, head.boundary), head, target)
        elif target is not None:
            await self._send(target, self._octets(), head)

    async def _store_form(self, form: Form, head: Head, target: Target | None) -> None:
        file = await form.until_file()
        size = agreed(SIZE, head.size, size_of(file.length, "The Content-Length of the file"))
        head = replace(head, size=size)
        if target is None and IMAGE_ID in form.fields:
            target = await self._target_of(form, head)
        total = size or form.size_in(head.length)
        if target is not None:
            await self._send(target, self._flowing(form, target), head, total)
            return
        async with self.spools.open(total or 0) as spool:
            async with aclosing(form.content()) as content:
                async for chunk in content:
                    self._count(chunk)
                    await spool.write(chunk)
            head = replace(head, size=agreed(SIZE, size, spool.size))
            target = await self._target_of(form, head)
            await self._send(target, self.body.watched(spool.chunks()), head)

    async def _octets(self) -> AsyncGenerator[bytes]:
        async for chunk in self.body:
            self._count(chunk)
            yield chunk

    async def _flowing(self, form: Form, target: Target) -> AsyncGenerator[bytes]:
        """Return the file's bytes; what the form says after them must fit what it said before."""
        async with aclosing(form.content()) as content:
            async for chunk in content:
                self._count(chunk)
                yield chunk
        agreed(IMAGE_ID, target.image_id, form.fields.get(IMAGE_ID))
        agreed(PROJECT_ID, target.context.project_id, form.fields.get(PROJECT_ID))

    async def _send(
        self, target: Target, content: AsyncGenerator[bytes], head: Head, total: int | None = None
    ) -> None:
        image_id, context = target.image_id, target.context
        report = self.hub.upload(context.project_id, image_id, head.size or total)
        async with aclosing(content), report as reporter:
            await context.glance.data.upload(
                image_id, content, head.size, sha512=head.sha512, taken=reporter.taken
            )

    def _count(self, chunk: bytes) -> None:
        self.count += len(chunk)
        if self.most and self.count > self.most:
            raise too_large(self.most)

    async def _target_of(self, form: Form, head: Head) -> Target:
        """Return the image that the form names, in the project that it names."""
        if IMAGE_ID not in form.fields:
            message = "imageId is missing: add it to the form, or give it as ?imageId=."
            raise BffError(Code.BAD_REQUEST, message)
        project_id = form.fields.get(PROJECT_ID)
        if project_id is not None:
            agreed(PROJECT_ID, head.project_id, checked_project_id(project_id))
        image_id = checked_image_id(form.fields[IMAGE_ID])
        return await self._target(image_id, project_id or head.project_id)

    async def _target(self, image_id: str, project_id: str | None) -> Target:
        self.image_id = image_id
        context = await ProjectContext.enter(self.caller, project_id)
        await self.turns.others_end(image_id)
        self.held.enter_context(self.turns.taken(image_id))
        await context.glance.data.queued(image_id)
        return Target(context, image_id)
