"""The operator at the command line, whom audit records name."""

from __future__ import annotations

import os
import pwd

from groat.kernel.caller import Operator


def operator() -> Operator:
    """Return the operator at the command line: the system's user of this process."""
    number = os.getuid()
    try:
        return Operator(pwd.getpwuid(number).pw_name)
    except KeyError:  # a container may run as a user without a name
        return Operator(str(number))
