"""The client for programs with threads, or with none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from polaris_bff import images as flows
from polaris_bff import mapping
from polaris_bff.auth import Auth
from polaris_bff.base import Batch, new_core, verified
from polaris_bff.contract import BulkOperationResult, GlanceImage, ImageStatus, Procedures, Project
from polaris_bff.download import CHUNK, FileSink, download
from polaris_bff.drive import Driver
from polaris_bff.outcome import Outcome
from polaris_bff.retry import Retry
from polaris_bff.upload import File, FileSource, Progress, create_and_upload, upload
from polaris_bff.wire import wire_params

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from polaris_bff.contract import CreateImageInput, ListImagesInput

T = TypeVar("T")


class Client(Procedures):
    """Calls the BFF: ``client.compute.image.list_images(limit=10)``.

    It may be used by several threads. What fails raises a ``BffError``.

    Args:
        url: The BFF's address, as ``https://cloud.example/polaris-bff``; otherwise ``BFF_URL``, or
            the entry of the type ``image-bff`` in the catalog.
        token: A Keystone token, or a function that returns one.
        auth: Credentials of another kind: ``Password`` or ``OpenStack``.
        cloud: A cloud of ``clouds.yaml``. With none of the three, ``OS_CLOUD`` and other ``OS_*``
            variables count, where they are set.
        project: The id of the project in which calls run that name none.
        timeout: Seconds until the answer to a request.
        retry: When queries are sent again.
        max_answer: The most bytes of an answer; 128 MiB unless given.
        max_batch: The most calls in a request; fewer, where the server says so.
        ca_file: The authorities that are trusted; ``OS_CACERT`` unless given.
        http: What ``httpx.Client`` takes besides, as ``proxy``.

    Raises:
        ValueError: the address is none.
        RuntimeError: signing in at OpenStack needs the extra ``openstack``.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | Callable[[], str] | None = None,
        auth: Auth | None = None,
        cloud: str | None = None,
        project: str | None = None,
        timeout: float = 60.0,
        retry: Retry | None = None,
        max_answer: int = 128 * 1024 * 1024,
        max_batch: int = 100,
        ca_file: str | None = None,
        http: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(lambda name, params: self._driver.run(self._core.one(name, params)))
        self._core = new_core(
            url,
            token,
            auth,
            cloud,
            project=project,
            timeout=timeout,
            retry=retry or Retry(),
            max_answer=max_answer,
            max_batch=max_batch,
        )
        options = verified(http, ca_file)
        self._new_http = lambda: httpx.Client(**options())
        self._lock = threading.RLock()
        self._driver = self._new_driver()

    def _new_driver(self) -> Driver:
        return Driver(self._new_http, self._lock)

    def call(self, procedure: str, **params: Any) -> Any:
        """Call a procedure by its name.

        Args:
            procedure: As ``compute.image.listImages``.
            params: Its parameters; both spellings will do, ``image_id`` and ``imageId``.

        Raises:
            BffError: the call failed.
        """
        return self._send(procedure, wire_params(procedure, params))

    @contextmanager
    def batch(self) -> Iterator[Batch]:
        """Collect calls, and send them when the block ends; each settles on its own."""
        batch = Batch(self._core)
        yield batch
        self._driver.run(batch.sent())

    def map(
        self,
        procedure: str,
        inputs: Iterable[Mapping[str, Any]],
        *,
        concurrency: int = 4,
        batch: int = 100,
        ordered: bool = True,
    ) -> Generator[Outcome[Any], None, None]:
        """Call a procedure for each input, and yield the outcomes; memory stays the same.

        The inputs are read as they are needed. Closing the iterator ends what still runs.

        Args:
            inputs: The parameters of each call, as ``{"image_id": …}``.
            concurrency: How many requests there are at a time.
            batch: How many calls a request has.
            ordered: In the order of the inputs; otherwise as they end.
        """
        made = (Outcome[Any](procedure, given) for given in inputs)
        return self.settle(made, concurrency=concurrency, batch=batch, ordered=ordered)

    def settle(
        self,
        outcomes: Iterable[Outcome[T]],
        *,
        concurrency: int = 4,
        batch: int = 100,
        ordered: bool = True,
    ) -> Generator[Outcome[T], None, None]:
        """Make the call of each outcome that has not ended, as ``map`` does; yield them.

        Args:
            outcomes: Of any procedures: ``Outcome("auth.listProjects", {})``.
        """
        driver = self._new_driver()
        flow = mapping.mapped(
            self._core, iter(outcomes), concurrency=concurrency, size=batch, ordered=ordered
        )
        try:
            yield from driver.iterate(flow)
        finally:
            driver.close()

    def images(
        self,
        *,
        page_size: int = 500,
        **filters: Unpack[ListImagesInput],
    ) -> Generator[GlanceImage, None, None]:
        """Yield every image that matches, page by page.

        Args:
            page_size: How many images a request reads; up to 1000.
            filters: Those of ``listImages``; ``limit`` is the most images of all pages.
        """
        return self._driver.iterate(flows.pages(self._core, dict(filters), page_size))

    def wait_for(
        self,
        image: str | GlanceImage,
        status: ImageStatus = "active",
        *,
        timeout: float = 600.0,
    ) -> GlanceImage:
        """Wait until an image is in a state; returns the image.

        Args:
            image: The image, or its id.
            timeout: In seconds.

        Raises:
            BffError: CONFLICT, it cannot get there any more, being ``killed`` or ``deleted``;
                TIMEOUT, it is not there in time; NOT_FOUND.
        """
        flow = flows.wait_for(self._core, flows.id_of(image), status, timeout)
        return self._driver.run(flow)

    def find_image(self, name_or_id: str, **more: Any) -> GlanceImage:
        """Return the one image with an id or a name.

        Args:
            more: Filters of ``listImages``, as ``visibility="all"``.

        Raises:
            BffError: NOT_FOUND, and ``data["close"]`` has names like it; CONFLICT, there are
                several, and ``data["ids"]`` has their ids.
        """
        return self._driver.run(flows.find_image(self._core, name_or_id, more))

    def find_project(self, name_or_id: str) -> Project:
        """Return the one project of the user's with an id or a name.

        Raises:
            BffError: as ``find_image``.
        """
        return self._driver.run(flows.find_project(self._core, name_or_id))

    def bulk(
        self,
        procedure: str,
        images: Iterable[str | GlanceImage],
        **more: Any,
    ) -> BulkOperationResult:
        """Do something to any number of images; says which of them it was done to.

        Args:
            procedure: One that takes ``image_ids``, as ``compute.image.deleteImages``.
            images: The images, or their ids; all are read before the first call.
            more: Its other parameters.

        Raises:
            BffError: a call failed as a whole; of the images before, it is done.
        """
        return self._driver.run(flows.in_bulk(self._core, procedure, images, more))

    def project_id(self) -> str:
        """Return the id of the project in which calls run that name none.

        Raises:
            BffError: UNAUTHORIZED, there is none.
        """
        return self._driver.run(flows.project_id(self._core))

    def upload(
        self,
        image: str | GlanceImage,
        file: File,
        *,
        progress: Progress | None = None,
        sha512: str | None = None,
        attempts: int = 1,
    ) -> GlanceImage:
        """Send an image's data; returns the image when it is stored whole.

        Args:
            image: The image, or its id; it must be ``queued``.
            file: A path, or a file that is open for reading bytes; never in memory as a whole.
            progress: Told how many bytes went out, and of how many (``None`` of a pipe).
            sha512: The data's SHA-512 in hexadecimal, if it is known: nothing else is stored then.
            attempts: How often to send it, while the image is ``queued`` and the file can be
                read again.

        Raises:
            BffError: the upload failed; DIGEST_MISMATCH, other bytes are stored than were read.
            OSError: the file cannot be read.
        """
        source = FileSource(file, progress)
        try:
            return self._driver.run(
                upload(self._core, flows.id_of(image), source, sha512=sha512, attempts=attempts)
            )
        finally:
            source.close()

    def create_and_upload(
        self,
        file: File,
        *,
        progress: Progress | None = None,
        sha512: str | None = None,
        attempts: int = 1,
        properties: Mapping[str, str] | None = None,
        **metadata: Unpack[CreateImageInput],
    ) -> GlanceImage:
        """Make an image and send its data; returns the image. Deletes it when that fails.

        Args:
            file: As for ``upload``, and so are ``progress``, ``sha512`` and ``attempts``.
            properties: Further properties of the image's own, by name.
            metadata: What ``createImage`` takes; ``disk_format`` and ``container_format`` at least.

        Raises:
            BffError: as ``upload``, or the image cannot be made.
            OSError: the file cannot be read.
        """
        source = FileSource(file, progress)
        given = {**(properties or {}), **metadata}
        try:
            return self._driver.run(
                create_and_upload(self._core, source, given, sha512=sha512, attempts=attempts)
            )
        finally:
            source.close()

    def download(
        self,
        image: str | GlanceImage,
        file: File,
        *,
        progress: Progress | None = None,
        chunk_size: int = CHUNK,
    ) -> GlanceImage:
        """Read an image's data from Glance itself; returns the image when all of it is there.

        It takes a sign-in at OpenStack (``OpenStack``, ``cloud`` or ``OS_*`` variables), and has
        the token go to the catalog's Glance alone. What breaks off goes on from there (``retry``).

        Args:
            image: The image, or its id.
            file: A path, which is that of the whole and right file or of none; or a file that is
                open for writing bytes.
            progress: Told how many bytes came, and of how many.
            chunk_size: How many bytes are read and written at a time.

        Raises:
            BffError: the download failed; PRECONDITION_FAILED, the sign-in does not tell where
                Glance is; CONFLICT, there is no data; DIGEST_MISMATCH, other bytes came.
            OSError: the file cannot be written.
        """
        sink = FileSink(file, progress, chunk_size)
        try:
            return self._driver.run(download(self._core, flows.id_of(image), sink))
        finally:
            sink.close()

    def close(self) -> None:
        """Close the connections that wait for further calls."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._core.url or 'at the address in the catalog'}>"
