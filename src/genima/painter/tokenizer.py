# SPDX-License-Identifier: Apache-2.0
"""A small tokenizer in CLIP's format, made here: bytes, and merges learned from a few sentences.

Byte-pair encoding as in Sennrich et al., 'Neural Machine Translation of Rare Words with Subword Units' (ACL 2016),
over the printable stand-ins for bytes that CLIP and GPT-2 use. Every text can be written in it; words of the sentences
in vocabulary.txt are one token each.
"""

import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from transformers import CLIPTokenizer

START, END = '<|startoftext|>', '<|endoftext|>'
MAX_TOKENS = 32
SENTENCES = tuple(Path(__file__).with_name('vocabulary.txt').read_text(encoding='utf-8').splitlines())
"""Trained painters know their words by the tokens that these make."""

Word = tuple[str, ...]


def byte_symbols() -> list[str]:
    """Return 256 printable characters that stand for the byte values, printable bytes first."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(256 - len(printable))]


def learn_merges(sentences: tuple[str, ...], most: int = 300) -> list[tuple[str, str]]:
    """Return the pairs to join, most frequent first; ties go to the first in the alphabet."""
    counts = Counter(word for sentence in sentences for word in sentence.replace(',', ' , ').split())
    words: dict[str, Word] = {word: (*word[:-1], word[-1] + '</w>') for word in counts}
    merges: list[tuple[str, str]] = []
    while len(merges) < most:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in counts.items():
            for pair in zip(words[word], words[word][1:], strict=False):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        words = {word: _join(symbols, best) for word, symbols in words.items()}
    return merges


def build_tokenizer() -> CLIPTokenizer:
    """Return the tokenizer; the same one on every machine."""
    merges = learn_merges(SENTENCES)
    symbols = byte_symbols()
    tokens = [*symbols, *(symbol + '</w>' for symbol in symbols), *(first + second for first, second in merges)]
    vocabulary = {token: index for index, token in enumerate([*dict.fromkeys(tokens), START, END])}
    with TemporaryDirectory() as folder:
        vocabulary_file, merges_file = Path(folder) / 'vocab.json', Path(folder) / 'merges.txt'
        vocabulary_file.write_text(json.dumps(vocabulary))
        lines = [f'{first} {second}' for first, second in merges]
        merges_file.write_text('\n'.join(['#version: 0.2', *lines, '']))
        return CLIPTokenizer(vocab=str(vocabulary_file), merges=str(merges_file), model_max_length=MAX_TOKENS)


def _join(symbols: Word, pair: tuple[str, str]) -> Word:
    joined: list[str] = []
    for symbol in symbols:
        if joined and (joined[-1], symbol) == pair:
            joined[-1] += symbol
        else:
            joined.append(symbol)
    return tuple(joined)
