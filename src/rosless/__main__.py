# SPDX-License-Identifier: Apache-2.0
"""`python -m rosless package.module [arguments]`: run a module with `rclpy` available."""

import runpy
import sys

import rosless

_USAGE = 'usage: python -m rosless package.module [arguments]   (or a file: path/to/node.py [arguments])'


def main() -> None:
    """Run the module or file that the command line names, as `python -m` and `python` do."""
    if len(sys.argv) < 2 or sys.argv[1] in ('-h', '--help'):
        print(__doc__, _USAGE, sep='\n')
        raise SystemExit(0 if len(sys.argv) > 1 else 2)
    try:
        rosless.ensure()
    except (ImportError, RuntimeError, ValueError) as error:
        raise SystemExit(f'rosless: {error}') from error
    sys.argv = sys.argv[1:]
    target = sys.argv[0]
    if target.endswith('.py'):
        runpy.run_path(target, run_name='__main__')
    else:
        runpy.run_module(target, run_name='__main__', alter_sys=True)


if __name__ == '__main__':
    main()
