# SPDX-License-Identifier: Apache-2.0
"""Exports as a border: what is not what the manifest says is refused, and what was made from other weights as well."""

import json
from pathlib import Path

import pytest
import torch

from genima.backends import choose, measured
from genima.backends.convert import convert
from genima.backends.exported import Exports, described, read_exports, versions, write_manifest, written_exports
from genima.backends.runners import BACK_ENDS, check_name
from genima.errors import GenimaError, PolicyError

SOURCES = {'unet/model.safetensors': 'a' * 64}


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    with written_exports(tmp_path, 'painter') as folder:
        (folder / 'step.onnx').write_bytes(b'network')
        files = (described(folder, 'step', 'onnx', 'step.onnx', 1e-6),)
        write_manifest(Exports(folder, SOURCES, versions(), {'int8_psnr_db': 44.0}, files))
    return read_exports(tmp_path, 'painter', lambda: SOURCES)


def _policy(exports: Exports) -> Path:
    return exports.directory.parents[1]


def test_what_was_written_is_read(exports: Exports) -> None:
    assert exports.path('step', 'onnx').read_bytes() == b'network'
    assert exports.figures == {'int8_psnr_db': 44.0} and exports.made_with['torch'] == versions()['torch']


def test_other_weights_make_exports_stale(exports: Exports) -> None:
    for sources in ({'unet/model.safetensors': 'b' * 64}, {}, {**SOURCES, 'unet_lora/model.safetensors': 'a' * 64}):
        with pytest.raises(PolicyError, match='than the policy has now; export it again'):
            read_exports(_policy(exports), 'painter', lambda sources=sources: sources)


def test_what_was_not_exported_is_named_with_the_remedy(exports: Exports) -> None:
    with pytest.raises(PolicyError, match=r'no step as onnx-int8, only onnx; .*--int8 --calibration'):
        exports.path('step', 'onnx-int8')
    with pytest.raises(PolicyError, match=r'controller has not been exported; genima export --policy'):
        read_exports(_policy(exports), 'controller', lambda: SOURCES)


@pytest.mark.parametrize('content', [b'netword', b'net', b'network and more'])
def test_another_file_is_refused(exports: Exports, content: bytes) -> None:
    (exports.directory / 'step.onnx').write_bytes(content)
    with pytest.raises(PolicyError, match='the manifest says'):
        exports.path('step', 'onnx')


def test_a_file_elsewhere_is_refused(exports: Exports, tmp_path: Path) -> None:
    (tmp_path / 'other.onnx').write_bytes(b'network')
    (exports.directory / 'step.onnx').unlink()
    (exports.directory / 'step.onnx').symlink_to(tmp_path / 'other.onnx')
    with pytest.raises(PolicyError, match='leads out of'):
        exports.path('step', 'onnx')


@pytest.mark.parametrize(
    'spoil',
    [
        lambda values: [],
        lambda values: {**values, 'more': 1},
        lambda values: {**values, 'files': [{'network': 'step'}]},
        lambda values: {**values, 'files': 5},
        lambda values: {**values, 'files': [{**values['files'][0], 'size_bytes': 'all'}]},
        lambda values: {**values, 'sources': None},
        lambda values: {**values, 'figures': {'int8_psnr_db': 'good'}},
    ],
)
def test_a_damaged_manifest_is_refused(exports: Exports, spoil) -> None:
    path = exports.directory / 'manifest.json'
    path.write_text(json.dumps(spoil(json.loads(path.read_text()))))
    with pytest.raises(PolicyError, match='export it again'):
        read_exports(_policy(exports), 'painter', lambda: SOURCES)


def test_a_failed_export_leaves_the_old_one(exports: Exports) -> None:
    with pytest.raises(RuntimeError), written_exports(_policy(exports), 'painter'):
        raise RuntimeError
    assert exports.path('step', 'onnx').is_file()
    assert [path.name for path in exports.directory.parent.iterdir()] == ['painter']


def test_choice_is_kept_for_this_machine_and_these_exports(
    exports: Exports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    assert measured.recall(exports, 2) is None
    kept = measured.remember(exports, 2, 'onnxruntime', {'onnxruntime': 1.0, 'torch': 2.0})
    assert kept == exports.directory / 'auto.json'
    assert measured.recall(exports, 2) == 'onnxruntime' and measured.recall(exports, 1) is None
    monkeypatch.setattr(measured, 'versions', lambda: {'torch': '9'})
    assert measured.recall(exports, 2) is None


def test_choice_goes_to_the_cache_where_models_are_read_only(
    exports: Exports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    write = measured.write_atomic

    def refuse_beside(path: Path, text: str) -> None:
        if path.is_relative_to(exports.directory):
            raise PermissionError
        write(path, text)

    monkeypatch.setattr(measured, 'write_atomic', refuse_beside)
    kept = measured.remember(exports, 2, 'torch', {'torch': 2.0})
    assert Path(kept).is_relative_to(tmp_path / 'cache') and measured.recall(exports, 2) == 'torch'


@pytest.mark.parametrize('text', ['{', '[]', '{"a": 5}'])
def test_a_damaged_choice_is_measured_again(exports: Exports, text: str) -> None:
    (exports.directory / 'auto.json').write_text(text)
    assert measured.recall(exports, 2) is None


@pytest.mark.parametrize('name', ['tensorrt', 'cuda-graph', 'onnx', ''])
def test_unknown_and_unwritten_back_ends_are_refused(name: str) -> None:
    with pytest.raises(GenimaError, match=r'use torch|allowed are auto, torch, onnxruntime'):
        check_name(name, 'cpu')


def test_back_ends_of_the_cpu_refuse_another_device() -> None:
    with pytest.raises(GenimaError, match='runs on the CPU'):
        check_name('openvino', 'cuda:0')
    check_name('auto', 'cuda')


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('genima.backends.convert.find_spec', lambda name: None)
    with pytest.raises(GenimaError, match=r"pip install 'genima\[openvino\]'"):
        BACK_ENDS['openvino'].load(exports.path('step', 'onnx'), 1)
    with pytest.raises(GenimaError, match=r"pip install 'genima\[export\]'"):
        convert(torch.nn.Identity(), {'x': torch.zeros(1)}, 'onnx', exports.directory / 'x.onnx')


@pytest.mark.parametrize('name', ['onnxruntime', 'openvino'])
def test_a_file_that_is_no_network_is_refused(exports: Exports, name: str) -> None:
    pytest.importorskip(name, reason=f'the extra {name} is not installed')
    with pytest.raises(PolicyError, match=r'(?s)cannot load .*export it again'):
        BACK_ENDS[name].load(exports.path('step', 'onnx'), 1)


class _Side:
    """Networks are names here; `slow` ones take longer, `wrong` ones do not pass."""

    name, torch, threads = 'painter', 'torch', 1

    def __init__(self, exports: Exports, slow: set[str], wrong: set[str]) -> None:
        self._exports, self._slow, self._wrong = exports, slow, wrong

    def exports(self) -> Exports:
        return self._exports

    def open(self, exports: Exports, back_end: str) -> str:
        return back_end

    def check(self, exports: Exports, back_end: str, network: str) -> str:
        if network in self._wrong:
            raise PolicyError(f'{network} paints another image')
        return 'checked'

    def run(self, exports: Exports, network: str) -> None:
        if network in self._slow:
            torch.zeros(2**22).sin()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('genima.backends.runners.find_spec', lambda name: object())


@pytest.mark.usefixtures('installed')
def test_auto_takes_the_fastest_that_is_right_and_keeps_it(exports: Exports) -> None:
    slow = {'torch', 'onnxruntime', 'openvino'}
    chosen = choose.choose('auto', _Side(exports, slow, {'openvino-bf16'}), 'cpu')
    assert chosen.back_end == 'onnxruntime-int8' and 'openvino-bf16 paints another image' in chosen.words
    again = choose.choose('auto', _Side(exports, slow, set()), 'cpu')
    assert (again.back_end, again.words) == ('onnxruntime-int8', 'onnxruntime-int8 (checked)')


@pytest.mark.usefixtures('installed')
def test_auto_takes_torch_where_the_kept_one_is_wrong_now_and_a_named_one_is_an_error(exports: Exports) -> None:
    measured.remember(exports, 1, 'onnxruntime', {})
    side = _Side(exports, set(), {'onnxruntime'})
    chosen = choose.choose('auto', side, 'cpu')
    assert chosen.back_end == 'torch' and 'paints another image' in chosen.words
    with pytest.raises(PolicyError, match='paints another image'):
        choose.choose('onnxruntime', side, 'cpu')


def test_auto_takes_torch_on_another_device(exports: Exports) -> None:
    assert choose.choose('auto', _Side(exports, set(), set()), 'cuda').back_end == 'torch'
