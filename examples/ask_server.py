# SPDX-License-Identifier: Apache-2.0
"""Ask a policy on another computer for chunks. This file needs numpy and `genima_client` only, and Python 3.8 or newer.

    pip install src/genima_client
    genima serve --policy models/panda_pick          # there
    python examples/ask_server.py ws://127.0.0.1:8700
"""

import argparse
import time

import numpy as np

from genima_client import PolicyClient, ServerError


def main(address: str = 'ws://127.0.0.1:8700', token: str = '', questions: int = 5) -> None:
    """Connect, ask some times, and print what comes back."""
    with PolicyClient(address, token) as client:
        contract = client.metadata['policy']
        size_px, cameras, joints = contract['view_size_px'], contract['cameras'], contract['joint_names']
        print(f'{contract["robot"]}, contract {client.metadata["contract"]}: {", ".join(cameras)}, {size_px} px')
        client.reset()  # an episode begins
        for _ in range(questions):
            # in place of your cameras: RGB, in the contract's order, square, resized as the contract says
            views = np.full((len(cameras), size_px, size_px, 3), 127, dtype=np.uint8)
            q_rad = np.zeros(len(joints))  # measured, in the order of joint_names
            answer = client.infer(views, q_rad, gripper_open=1.0, stamp_s=time.time(), want_targets=True)
            print(f'{answer.q_rad.shape} points, {answer.dt_s} s apart, after {1e3 * answer.round_trip_s:.0f} ms')
        print(f'one way takes {1e3 * answer.outward_s:.1f} ms, their clock is {1e3 * client.clock_ahead_s:+.1f} ms ahead')
        if answer.targets is not None:
            print('painted:', answer.targets.shape)
        try:
            client.infer(views[:, :-1], q_rad, gripper_open=1.0)
        except ServerError as error:
            print('a question that does not fit the contract is refused:', error)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('address', nargs='?', default='ws://127.0.0.1:8700')
    parser.add_argument('--token', default='')
    main(**vars(parser.parse_args()))
