"""Run by the cloud's own Python: print a genuine token of Keystone's that ends at a chosen time.

``expired_token.py USER_ID PROJECT_ID TIME``, with OS_KEYSTONE_CONFIG_DIR set. Keystone's own code
makes it with Keystone's own keys: nothing but its date tells it from one that was issued.
"""

import importlib
import sys

AUDIT_ID = "MDEyMzQ1Njc4OWFiY2RlZg"


def main() -> None:
    """Print the token."""
    user_id, project_id, ends = sys.argv[1:]
    # Keystone reads sys.argv while it is imported, and is configured by its application.
    del sys.argv[1:]
    importlib.import_module("keystone.wsgi.api")
    formatters = importlib.import_module("keystone.token.token_formatters")
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
