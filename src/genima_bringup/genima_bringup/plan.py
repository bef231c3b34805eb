# SPDX-License-Identifier: Apache-2.0
"""Print a stack as JSON: `ros2 launch` runs this with the Python that has our dependencies, because its own has not.

`python -m genima_bringup.plan STACK '{"seed": "7"}'`; what is wrong goes to stderr, in one line.
"""

import json
import sys

from genima.errors import GenimaError
from genima_bringup.graph import stack


def main() -> None:
    """Print the stack that the command line asks for, and nothing else."""
    output, sys.stdout = sys.stdout, sys.stderr
    try:
        table = stack(sys.argv[1], json.loads(sys.argv[2]))
    except GenimaError as error:
        raise SystemExit(f'error: {error}') from error
    print(json.dumps(table.to_dict()), file=output)


if __name__ == '__main__':
    main()
