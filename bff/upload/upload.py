"""One upload: which image it is for, and the way of its bytes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace

from bff.errors import BffError, Code
from bff.ids import checked_image_id, checked_project_id
from bff.progress.hub import Hub
from bff.session.caller import Caller
from bff.session.context import ProjectContext
from bff.upload.body import Body
from bff.upload.head import LENGTH_OF_FILE, SIZE, Head, consistent, size_of, too_large
from bff.upload.lock import upload_lock
from bff.upload.multipart import IMAGE_ID, PROJECT_ID, Form
from bff.upload.spool import Spools


@dataclass(frozen=True)
class Target:
    """An image that waits for its data, in its project."""

    context: ProjectContext
    image_id: str


@dataclass
class Upload:
    """A file on its way from one request into one image.

    Args:
        max_bytes: The largest file, in bytes; 0 for any.
        image_id: Known from the head or from the form.
        owner: The project whose share of uploads and of waiting files this is.
        count: The file's bytes that have come.
        exit_stack: What is released when the upload ends.
    """

    caller: Caller
    body: Body
    spools: Spools
    hub: Hub
    max_bytes: int
    image_id: str | None = None
    owner: str = ""
    count: int = 0
    exit_stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def run(self, head: Head) -> None:
        """Store the file; when this returns, the image is `active` and is what was sent.

        Everything that can be checked is checked before the first byte of the body is asked for:
        only then does a client that waits for ``100 Continue`` send any.

        Raises:
            BffError: the file was not stored.
        """
        async with self.exit_stack:
            await self._run(head)

    async def _run(self, head: Head) -> None:
        if self.caller.credentials_error is not None:
            raise self.caller.credentials_error
        token = await self.caller.token(head.project_id)
        self.owner = token.body.project.id if token.body.project else self.caller.key
        uploads = self.caller.cloud.uploads
        await self.exit_stack.enter_async_context(uploads.hold(self.owner, 0, own_patience=0))
        if head.boundary is None:
            target = await self._target(head.image_id, head.project_id)
            await self._send(target, self._raw_file(), head)
        else:
            await self._store_form(Form(self.body, head.boundary), head)

    async def _store_form(self, form: Form, head: Head) -> None:
        target = None
        if head.image_id is not None:
            target = await self._target(head.image_id, head.project_id)
        file = await form.until_file()
        head = replace(head, size=consistent(SIZE, head.size, size_of(file.length, LENGTH_OF_FILE)))
        if target is None and IMAGE_ID in file.fields_before:
            target = await self._target_of(file.fields_before, head)
        if target is None:
            await self._store_buffered(form, head)
            return
        _check_fields(file.fields_before, target)
        total = head.size or form.size_in(head.length)
        await self._send(target, self._form_file(form, target), head, total)

    async def _store_buffered(self, form: Form, head: Head) -> None:
        """Keep the file until the form says which image it is for."""
        expected = head.size or form.size_in(head.length) or 0
        async with self.spools.open(expected, self.owner) as spool:
            async with aclosing(form.content()) as content:
                async for chunk in content:
                    self._count(chunk)
                    await spool.write(chunk)
            head = replace(head, size=consistent(SIZE, head.size, spool.size))
            target = await self._target_of(form.fields, head)
            await self._send(target, self.body.while_connected(spool.chunks()), head)

    async def _raw_file(self) -> AsyncGenerator[bytes]:
        async for chunk in self.body:
            self._count(chunk)
            yield chunk

    async def _form_file(self, form: Form, target: Target) -> AsyncGenerator[bytes]:
        """Return the file's bytes; what the form says after them must fit what it said before."""
        async with aclosing(form.content()) as content:
            async for chunk in content:
                self._count(chunk)
                yield chunk
        _check_fields(form.fields, target)

    async def _send(
        self, target: Target, content: AsyncGenerator[bytes], head: Head, total: int | None = None
    ) -> None:
        image_id, context = target.image_id, target.context
        report = self.hub.upload(context.project_id, image_id, head.size or total)
        async with aclosing(content), report as reporter:
            await context.glance.data.upload(
                image_id, content, head.size, sha512=head.sha512, on_sent=reporter.add_bytes
            )

    def _count(self, chunk: bytes) -> None:
        self.count += len(chunk)
        if self.max_bytes and self.count > self.max_bytes:
            raise too_large(self.max_bytes)

    async def _target_of(self, fields: Mapping[str, str], head: Head) -> Target:
        """Return the image that the form names, in the project that it names."""
        project_id = consistent(PROJECT_ID, head.project_id, fields.get(PROJECT_ID))
        return await self._target(fields.get(IMAGE_ID), project_id)

    async def _target(self, image_id: str | None, project_id: str | None) -> Target:
        if image_id is None:
            message = (
                "imageId is missing: give it as ?imageId=, in the header X-Image-Id, or as a field"
                " of the form."
            )
            raise BffError(Code.BAD_REQUEST, message)
        self.image_id = checked_image_id(image_id, IMAGE_ID)
        if project_id is not None:
            checked_project_id(project_id, PROJECT_ID)
        context = await ProjectContext.enter(self.caller, project_id)
        locked = await self.exit_stack.enter_async_context(
            upload_lock(context.project_id, image_id)
        )
        await context.glance.data.check_queued(image_id, patiently=locked)
        return Target(context, image_id)


def _check_fields(fields: Mapping[str, str], target: Target) -> None:
    consistent(IMAGE_ID, target.image_id, fields.get(IMAGE_ID))
    consistent(PROJECT_ID, target.context.project_id, fields.get(PROJECT_ID))
