# SPDX-License-Identifier: Apache-2.0
"""A policy behind `genima serve`: equal chunks, clear refusals, and nothing that a client sends ends it."""

import threading
import time

import msgpack
import numpy as np
import pytest
from policies import PANDA, SPEC, Nodding, served
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from genima.errors import ContractError, GenimaError, PolicyError
from genima.policy.protocols import Observation
from genima.policy.registry import load_policy
from genima.policy.remote import RemotePolicy
from genima.policy.server import MAX_CLIENTS, PolicyServer
from genima_client import PolicyClient, ServerError
from genima_client.wire import pack, unpack

VIEWS = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
SEEN = Observation(12.5, VIEWS, 12.4, PANDA.home_rad, 0.25)


def question(**changes: object) -> dict:
    return {
        'type': 'infer', 'contract': SPEC.hash(), 'views': VIEWS, 'q_rad': PANDA.home_rad, 'gripper_open': 1.0,
        'instruction': '', 'stamp_s': 0.0, 'views_stamp_s': 0.0, 'want_targets': False, **changes,
    }  # fmt: skip


def test_a_chunk_is_the_same_here_and_there() -> None:
    local = Nodding()
    with served(Nodding()) as address:
        remote = RemotePolicy(address, want_targets=True)
        assert remote.spec == SPEC
        for instruction in (None, 'nod'):
            here, there = local.infer(SEEN, instruction), remote.infer(SEEN, instruction)
            np.testing.assert_array_equal(here.q_rad, there.q_rad)
            np.testing.assert_array_equal(here.gripper_open, there.gripper_open)
            assert (here.stamp_s, here.dt_s) == (there.stamp_s, there.dt_s)
            np.testing.assert_array_equal(remote.targets, local.targets)
        remote.reset()
        assert remote.targets is None
        remote.close()


def test_the_address_says_who_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Nodding()) as address:
        policy = load_policy(address)
        assert policy.infer(SEEN).q_rad.shape == (10, 7)

    class Entry:
        name = 'nodding'

        def load(self) -> object:
            return made

    def made(rest: str, device: str) -> Nodding:
        policy = Nodding()
        policy.given = rest, device
        return policy

    monkeypatch.setattr('genima.plugins.entry_points', lambda group: [Entry()] if group == 'genima.policies' else [])
    asked = load_policy('nodding:a/b', 'cuda')
    assert isinstance(asked, Nodding) and asked.given == ('a/b', 'cuda')
    with pytest.raises(PolicyError, match="kind of policies 'other'; known are ws, wss, nodding"):
        load_policy('other:x')
    with pytest.raises(PolicyError, match='not a policy directory'):
        load_policy('runs/no:thing')


def test_the_clocks_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    with served(Nodding()) as address, PolicyClient(address) as client:
        monkeypatch.setattr('genima.policy.server.time.time', lambda: real() + 5.0)
        monkeypatch.setattr('genima_client.client.time.time', real, raising=False)
        assert client.clock_ahead_s is None
        # server and client share the module `time`: move the server's answers instead
        answers = [{'received_s': 105.0 + wait_s, 'replied_s': 105.5 + wait_s} for wait_s in (0.1, 0.02)]
        for answer, wait_s in zip(answers, (0.1, 0.02), strict=True):
            client._learn(100.0, 100.5 + 2 * wait_s, answer)
        assert client.clock_ahead_s == pytest.approx(5.0)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'contract': 'x'}, 'made under contract x'),
        ({'contract': 7}, 'contract: got int'),
        ({'views': VIEWS[:1]}, r'views: got uint8 \(1, 16, 16, 3\), allowed: uint8 \(2, 16, 16, 3\)'),
        ({'views': VIEWS.astype(float)}, 'views: got float64'),
        ({'views': [1, 2]}, 'views: got list'),
        ({'q_rad': np.zeros(6)}, 'q_rad: .*allowed: 7 finite numbers'),
        ({'q_rad': np.full(7, np.nan)}, 'q_rad: .*allowed: 7 finite numbers'),
        ({'gripper_open': float('nan')}, 'gripper_open: got nan'),
        ({'gripper_open': True}, 'gripper_open: got True'),
        ({'stamp_s': 'now'}, 'stamp_s: got'),
        ({'stamp_s': float('inf')}, 'stamp_s: got inf'),
        ({'instruction': 'x' * 3000}, 'at most 2000'),
        ({'instruction': 'dance'}, "unknown instruction 'dance'"),
        ({'instruction': 'fall over'}, 'the policy failed: RuntimeError: fell over'),
        ({'type': 'obey'}, "type: got 'obey', allowed: infer, reset"),
        ({'type': np.zeros(3)}, r'type: got array\(.*, allowed: infer, reset'),
    ],
)
def test_a_wrong_question_is_refused_in_words_and_the_next_one_answered(change: dict, message: str) -> None:
    with served(Nodding()) as address, PolicyClient(address) as client:
        with pytest.raises(ServerError, match=message):
            client._ask(question(**change))
        assert client._ask(question())['type'] == 'chunk'


def test_a_missing_value_is_named() -> None:
    with served(Nodding()) as address, PolicyClient(address) as client:
        for name in set(question()) - {'type', 'want_targets'}:
            with pytest.raises(ServerError, match=f"has no '{name}'"):
                client._ask({key: value for key, value in question().items() if key != name})


def test_an_open_address_needs_a_token_and_asks_for_it() -> None:
    with pytest.raises(GenimaError, match='needs a token'):
        PolicyServer(Nodding(), '0.0.0.0', 0)
    with served(Nodding(), token='secret') as address:
        with pytest.raises(ServerError, match='is the token right'):
            PolicyClient(address)
        with pytest.raises(PolicyError, match='401'):
            RemotePolicy(address, 'Secret')
        RemotePolicy(address, 'secret').close()
        with connect(address, additional_headers={'Authorization': 'Api-Key secret'}) as socket:  # as openpi's client has it
            assert unpack(socket.recv(), 1 << 20)['contract'] == SPEC.hash()


def test_a_page_in_a_browser_is_refused() -> None:
    with served(Nodding()) as address, pytest.raises(InvalidStatus, match='403'):
        connect(address, origin='http://evil.example')


def test_there_are_places_for_so_many_clients() -> None:
    with served(Nodding()) as address:
        clients = [PolicyClient(address) for _ in range(MAX_CLIENTS)]
        with pytest.raises(ServerError, match='all 8 places for clients are taken'):
            PolicyClient(address)
        clients.pop().close()
        for _ in range(50):
            try:
                clients.append(PolicyClient(address))
                break
            except ServerError:
                time.sleep(0.05)
        assert len(clients) == MAX_CLIENTS
        for client in clients:
            client.close()


def test_a_lost_server_is_an_error_at_once_and_the_next_one_is_found() -> None:
    first = PolicyServer(Nodding(), port=0)
    threading.Thread(target=first.serve_forever, daemon=True).start()
    remote = RemotePolicy(f'ws://127.0.0.1:{first.port}')
    remote.infer(SEEN)
    first.close()
    for _ in range(2):
        with pytest.raises(PolicyError, match=r'lost|no policy at'):
            remote.infer(SEEN)
    second = PolicyServer(Nodding(), port=first.port)
    threading.Thread(target=second.serve_forever, daemon=True).start()
    assert remote.infer(SEEN).q_rad.shape == (10, 7)
    second.close()


def test_another_policy_at_the_same_address_is_refused() -> None:
    from dataclasses import replace

    first = PolicyServer(Nodding(), port=0)
    threading.Thread(target=first.serve_forever, daemon=True).start()
    remote = RemotePolicy(f'ws://127.0.0.1:{first.port}')
    first.close()
    second = PolicyServer(Nodding(replace(SPEC, horizon_steps=20)), port=first.port)
    threading.Thread(target=second.serve_forever, daemon=True).start()
    with pytest.raises(PolicyError, match='lost'):
        remote.infer(SEEN)
    with pytest.raises(PolicyError, match='serves contract'):
        remote.infer(SEEN)
    second.close()


def test_a_server_that_says_nothing_does_not_hang_the_client() -> None:
    import socket

    with socket.create_server(('127.0.0.1', 0)) as silent, pytest.raises(PolicyError, match='no policy at'):
        RemotePolicy(f'ws://127.0.0.1:{silent.getsockname()[1]}', timeout_s=0.3)


def test_the_client_of_openpi_gets_actions() -> None:
    """Its messages: `observation/…` and `prompt`; its errors are text."""
    image = np.random.default_rng(1).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    state = np.append(PANDA.home_rad, 1.0).astype(np.float32)
    asked = {'observation/state': state, 'observation/front': image, 'observation/wrist': image.transpose(2, 0, 1)}
    policy = Nodding()
    with served(policy) as address, connect(address, compression=None) as socket:
        metadata = unpack(socket.recv(), 1 << 20)
        assert metadata['policy']['cameras'] == ['front', 'wrist']
        socket.send(pack({**asked, 'prompt': 'nod'}))
        actions = unpack(socket.recv(), 1 << 20)['actions']
        assert actions.shape == (10, 8) and actions[0, 0] == pytest.approx(PANDA.home_rad[0] + 0.02, abs=1e-6)
        np.testing.assert_array_equal(policy.asked[0].views[0], policy.asked[0].views[1])
        socket.send(pack({**asked, 'observation/state': state[:5]}))
        assert 'allowed: 8 finite numbers' in socket.recv()
        socket.send(pack(asked))
        assert 'actions' in unpack(socket.recv(), 1 << 20)


def fuzzed(rng: np.random.Generator, number: int) -> bytes | str:
    """Return a frame that is wrong in one of many ways."""
    good = bytearray(pack(question() if number % 2 else {'observation/state': np.zeros(8), 'prompt': 'x'}))
    kind = number % 8
    if kind == 0:
        return rng.bytes(int(rng.integers(0, 200)))
    if kind == 1:
        return good[: int(rng.integers(0, len(good)))]
    if kind == 2:
        for place in rng.integers(0, min(len(good), 120), 4):
            good[place] = int(rng.integers(0, 256))
        return bytes(good)
    if kind == 3:
        return ''.join(map(chr, rng.integers(32, 1000, 20)))
    odd = [
        None,
        -1,
        2**63 - 1,
        1e308,
        float('nan'),
        '',
        'x' * 5000,
        [],
        {},
        [[[]]],
        b'',
        True,
        np.zeros((0,)),
        np.zeros((3, 3)),
    ]
    name = list(question())[int(rng.integers(0, len(question())))]
    return msgpack.packb({**question(), name: odd[int(rng.integers(0, len(odd)))]}, default=lambda each: each.tolist())


def test_no_frame_ends_the_server() -> None:
    """1,000 frames here; 10,000 were tried with `GENIMA_FUZZ_FRAMES=10000`."""
    import os

    rng, refused = np.random.default_rng(7), 0
    frames = int(os.environ.get('GENIMA_FUZZ_FRAMES', '1000'))
    with served(Nodding()) as address, connect(address, compression=None) as socket:
        socket.recv()
        for number in range(frames):
            socket.send(fuzzed(rng, number))
            answer = socket.recv(5)
            if isinstance(answer, str):
                refused += bool(answer)
            else:
                message = unpack(answer, 1 << 20)
                refused += message.get('type') == 'error' and bool(message['text'])
                assert message.get('type') in ('error', 'chunk', 'reset') or 'actions' in message
        assert refused > frames // 2
        socket.send(pack(question()))
        assert unpack(socket.recv(5), 1 << 20)['type'] == 'chunk'


def test_the_contract_of_a_server_is_checked() -> None:
    class Liar(Nodding):
        pass

    liar = Liar()
    server = PolicyServer(liar, port=0)
    server._server._greeting = pack({'protocol': 1, 'contract': 'ffff', 'policy': SPEC.to_dict()})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with pytest.raises(ContractError, match='contract ffff'):
        RemotePolicy(f'ws://127.0.0.1:{server.port}')
    server.close()
