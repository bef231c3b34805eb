# SPDX-License-Identifier: Apache-2.0
import pytest

from genima.painter.tokenizer import MAX_TOKENS, build_tokenizer, byte_symbols, learn_merges


@pytest.fixture(scope='module')
def tokenizer():
    return build_tokenizer()


def test_bytes_have_256_different_symbols() -> None:
    assert len(set(byte_symbols())) == 256


def test_merges_do_not_depend_on_chance() -> None:
    assert learn_merges(('abab abab', 'ab')) == learn_merges(('abab abab', 'ab'))
    assert learn_merges(('abab abab', 'ab'))[0] == ('a', 'b</w>')


def test_words_of_the_task_are_single_tokens(tokenizer) -> None:
    words = ['a', 'robot', 'arm', 'will', 'pick', 'up', 'the', 'red', 'cube']
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(' '.join(words))['input_ids'])
    assert tokens[1:-1] == [f'{word}</w>' for word in words]


@pytest.mark.parametrize('text', ['zäh und 漢字 🤖', '', 'x' * 200])
def test_any_text_can_be_written(tokenizer, text: str) -> None:
    ids = tokenizer(text, padding='max_length', truncation=True, max_length=MAX_TOKENS)['input_ids']
    assert len(ids) == MAX_TOKENS
    assert max(ids) < len(tokenizer)


def test_saved_tokenizer_is_the_same(tokenizer, tmp_path) -> None:
    tokenizer.save_pretrained(tmp_path)
    again = type(tokenizer).from_pretrained(tmp_path, local_files_only=True)
    for text in ('open the drawer', 'zäh'):
        assert again(text)['input_ids'] == tokenizer(text)['input_ids']
