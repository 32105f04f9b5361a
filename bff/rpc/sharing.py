"""Calls of a batch that need the same, or much the same, of Glance: who shares what with whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import orjson

from bff.rpc.registry import Handler, Kind, Procedure
from bff.session.batch import Batch
from bff.session.context import ProjectContext
from schemas.base import Input


def batch_of(
    calls: Iterable[tuple[int, Procedure | None, Any]], seconds_left: Callable[[], float]
) -> Batch | None:
    """Return what calls of a batch share; ``None`` when there is nothing.

    Args:
        calls: The number of each, its procedure, and its input as it came.
        seconds_left: Says how long a call may take from now on.
    """
    changes = False
    uses: Counter[bytes] = Counter()
    image_ids: defaultdict[str | None, dict[int, str]] = defaultdict(dict)
    for number, procedure, raw in calls:
        if procedure is None or not procedure.reads_in_project:
            changes = changes or (procedure is not None and procedure.kind is Kind.MUTATION)
            continue
        if (key := _key(procedure, raw)) is not None:
            uses[key] += 1
        if procedure.gathered_by and _is_gathered(raw, procedure.gathered_by):
            image_ids[raw.get("project_id")][number] = raw[procedure.gathered_by]
    return Batch.of(image_ids, uses, seconds_left, changes=changes)


def handler_in(batch: Batch, procedure: Procedure, raw: Any) -> Handler:
    """Return the handler of one call of a batch: it shares what can be shared."""
    if procedure.kind is Kind.MUTATION:
        return partial(_change, batch, procedure.handler)
    key = _key(procedure, raw) if batch.has_repeats and procedure.reads_in_project else None
    if key is None or not batch.is_shared(key):
        return procedure.handler
    return partial(_read, batch, key, procedure.handler)


async def _change(batch: Batch, handler: Handler, context: Any, params: Input) -> Any:
    with batch.changing():
        return await handler(context, params)


async def _read(
    batch: Batch, key: bytes, handler: Handler, context: ProjectContext, params: Input
) -> Any:
    return await batch.read(
        key, lambda count: handler(context.counting(count), params), context.glance.count
    )


def _key(procedure: Procedure, raw: Any) -> bytes | None:
    """Return what two calls have in common that ask for the same."""
    if not isinstance(raw, dict):
        return None
    given = {name: value for name, value in raw.items() if value is not None}
    try:
        return orjson.dumps([procedure.name, given], option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return None  # nested deeper than any input


def _is_gathered(raw: Any, name: str) -> bool:
    """Return whether an input names an image, and has nothing for which it would be refused."""
    return (
        isinstance(raw, dict)
        and isinstance(raw.get(name), str)
        and raw.keys() <= {name, "project_id"}
        and isinstance(raw.get("project_id"), str | None)
    )
