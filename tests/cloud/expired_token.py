"""Run by the cloud's own Python: print a genuine token of Keystone's that ends at a chosen time.

``expired_token.py USER_ID PROJECT_ID TIME``, with OS_KEYSTONE_CONFIG_DIR set; TIME may be a number
of seconds from when the token is made, such as ``+8``. Keystone's own code makes it with Keystone's
own keys: nothing but its date tells it from one that was issued.
"""

import importlib
import sys
from datetime import UTC, datetime, timedelta

FORMAT = "%Y-%m-%dT%H:%M:%S.000000Z"
AUDIT_ID = "MDEyMzQ1Njc4OWFiY2RlZg"


def main() -> None:
    """Print the token."""
    user_id, project_id, ends = sys.argv[1:]
    # Keystone reads sys.argv while it is imported, and is configured by its application.
    del sys.argv[1:]
    importlib.import_module("keystone.wsgi.api")
    formatters = importlib.import_module("keystone.token.token_formatters")
    if ends.startswith("+"):
        # Its start takes seconds, which are not the token's.
        ends = (datetime.now(UTC) + timedelta(seconds=int(ends))).strftime(FORMAT)
    token = formatters.TokenFormatter().create_token(
        user_id,
        ends,
        [AUDIT_ID],
        formatters.ProjectScopedPayload,
        methods=["password"],
        project_id=project_id,
    )
    print(token)


main()
