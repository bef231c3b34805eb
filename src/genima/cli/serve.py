# SPDX-License-Identifier: Apache-2.0
"""`genima serve`: a policy on this computer for an arm on another."""

import secrets
from typing import Annotated

import typer

from genima.cli.output import console


def serve(
    policy: Annotated[str, typer.Option(help='Policy directory, or name:address of another package.')] = 'models/panda_pick',
    host: Annotated[str, typer.Option(help='Address to listen on; any but loopback needs a token.')] = '127.0.0.1',
    port: Annotated[int, typer.Option(min=0, max=65535, help='0 takes a free one.')] = 8700,
    token: Annotated[
        str, typer.Option(help='What clients must show; "new" makes one and prints it.', envvar='GENIMA_TOKEN')
    ] = '',
    device: Annotated[str, typer.Option(help='Torch device.')] = 'cpu',
    threads: Annotated[int, typer.Option(min=1, help='CPU threads of the networks.')] = 2,
) -> None:
    """Serve a policy to genima_client, to policy_node (server:=ws://…) and to openpi's client."""
    import torch

    from genima.policy.registry import load_policy
    from genima.policy.server import PolicyServer

    torch.set_num_threads(threads)
    made = secrets.token_urlsafe(24) if token == 'new' else token
    server = PolicyServer(load_policy(policy, device), host, port, made)
    shown = f'[{host}]' if ':' in host else host
    console.print(f'serving {policy} at ws://{shown}:{server.port}' + (f', token {made}' if token == 'new' else ''))
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.close()
