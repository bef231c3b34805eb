# SPDX-License-Identifier: Apache-2.0
"""The C functions of Cyclone DDS that we call, loaded from the PyPI wheel with ctypes.

The wheel's own Python package is not imported: it takes 0.2 s and cannot send payloads that are already CDR. The
symbols below are public in Cyclone's headers except `dds_topic_descriptor` (marked private, the same from 0.10 to 11.0)
and the `ddsi_serdata_*` family, on which rmw_cyclonedds and Cyclone's own tools rest too. Hence the pin on version 11.
"""

import ctypes as ct
import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Any

i32, i64, u32, u64 = ct.c_int32, ct.c_int64, ct.c_uint32, ct.c_uint64
pointer, size_t = ct.c_void_p, ct.c_size_t

INFINITY_NS = 2**63 - 1
MAJOR_VERSION = '11'


class DDSError(RuntimeError):
    """Cyclone DDS refused an operation."""


class BlobMeta(ct.Structure):
    """`struct dds_type_meta_ser`."""

    _fields_ = (('data', pointer), ('size', u32))


class TopicDescriptor(ct.Structure):
    """`dds_topic_descriptor_t`."""

    _fields_ = (
        ('m_size', u32), ('m_align', u32), ('m_flagset', u32), ('m_nkeys', u32), ('m_typename', ct.c_char_p),
        ('m_keys', pointer), ('m_nops', u32), ('m_ops', pointer), ('m_meta', ct.c_char_p),
        ('type_information', BlobMeta), ('type_mapping', BlobMeta), ('restrict_data_representation', u32),
    )  # fmt: skip


class IoVector(ct.Structure):
    """`ddsrt_iovec_t` (POSIX order)."""

    _fields_ = (('base', pointer), ('length', size_t))


class SampleInfo(ct.Structure):
    """`dds_sample_info_t`."""

    _fields_ = (
        ('sample_state', ct.c_uint), ('view_state', ct.c_uint), ('instance_state', ct.c_uint),
        ('valid_data', ct.c_bool), ('source_timestamp', i64), ('instance_handle', u64), ('publication_handle', u64),
        ('disposed_generation', u32), ('no_writers_generation', u32), ('sample_rank', u32), ('generation_rank', u32),
        ('absolute_generation_rank', u32),
    )  # fmt: skip


class BuiltinParticipant(ct.Structure):
    """`dds_builtintopic_participant_t`."""

    _fields_ = (('key', ct.c_uint8 * 16), ('qos', pointer))


class BuiltinEndpoint(ct.Structure):
    """`dds_builtintopic_endpoint_t`."""

    _fields_ = (
        ('key', ct.c_uint8 * 16), ('participant_key', ct.c_uint8 * 16), ('participant_handle', u64),
        ('topic_name', ct.c_char_p), ('type_name', ct.c_char_p), ('qos', pointer),
    )  # fmt: skip


_SIGNATURES: dict[str, tuple[Any, ...]] = {  # name: result, *arguments
    'dds_create_domain': (i32, u32, ct.c_char_p),
    'dds_create_participant': (i32, u32, pointer, pointer),
    'dds_create_topic': (i32, i32, pointer, ct.c_char_p, pointer, pointer),
    'dds_create_writer': (i32, i32, i32, pointer, pointer),
    'dds_create_reader': (i32, i32, i32, pointer, pointer),
    'dds_delete': (i32, i32),
    'dds_get_guid': (i32, i32, pointer),
    'dds_get_instance_handle': (i32, i32, ct.POINTER(u64)),
    'dds_strretcode': (ct.c_char_p, i32),
    'dds_get_entity_sertype': (i32, i32, ct.POINTER(pointer)),
    'ddsi_serdata_from_ser_iov': (pointer, pointer, ct.c_int, size_t, ct.POINTER(IoVector), size_t),
    'ddsi_serdata_size': (u32, pointer),
    'ddsi_serdata_to_ser_ref': (pointer, pointer, size_t, size_t, ct.POINTER(IoVector)),
    'ddsi_serdata_to_ser_unref': (None, pointer, ct.POINTER(IoVector)),
    'ddsi_serdata_unref': (None, pointer),
    'dds_writecdr': (i32, i32, pointer),
    'dds_takecdr': (i32, i32, ct.POINTER(pointer), u32, ct.POINTER(SampleInfo), u32),
    'dds_read_mask': (i32, i32, ct.POINTER(pointer), ct.POINTER(SampleInfo), size_t, u32, u32),
    'dds_return_loan': (i32, i32, ct.POINTER(pointer), i32),
    'dds_create_qos': (pointer,),
    'dds_delete_qos': (None, pointer),
    'dds_qset_reliability': (None, pointer, ct.c_int, i64),
    'dds_qset_durability': (None, pointer, ct.c_int),
    'dds_qset_durability_service': (None, pointer, i64, ct.c_int, i32, i32, i32, i32),
    'dds_qset_history': (None, pointer, ct.c_int, i32),
    'dds_qset_deadline': (None, pointer, i64),
    'dds_qset_lifespan': (None, pointer, i64),
    'dds_qset_liveliness': (None, pointer, ct.c_int, i64),
    'dds_qset_ignorelocal': (None, pointer, ct.c_int),
    'dds_qset_writer_data_lifecycle': (None, pointer, ct.c_bool),
    'dds_qset_userdata': (None, pointer, ct.c_char_p, size_t),
    'dds_qget_userdata': (ct.c_bool, pointer, ct.POINTER(pointer), ct.POINTER(size_t)),
    'dds_qget_reliability': (ct.c_bool, pointer, ct.POINTER(ct.c_int), ct.POINTER(i64)),
    'dds_qget_durability': (ct.c_bool, pointer, ct.POINTER(ct.c_int)),
    'dds_free': (None, pointer),
    'dds_create_waitset': (i32, i32),
    'dds_waitset_attach': (i32, i32, i32, ct.c_ssize_t),
    'dds_waitset_detach': (i32, i32, i32),
    'dds_waitset_wait': (i32, i32, ct.POINTER(ct.c_ssize_t), size_t, i64),
    'dds_create_readcondition': (i32, i32, u32),
    'dds_create_guardcondition': (i32, i32),
    'dds_set_guardcondition': (i32, i32, ct.c_bool),
    'dds_take_guardcondition': (i32, i32, ct.POINTER(ct.c_bool)),
    'dds_get_matched_subscriptions': (i32, i32, ct.POINTER(u64), size_t),
    'dds_get_matched_publications': (i32, i32, ct.POINTER(u64), size_t),
    'dds_get_matched_subscription_data': (ct.POINTER(BuiltinEndpoint), i32, u64),
    'dds_get_matched_publication_data': (ct.POINTER(BuiltinEndpoint), i32, u64),
    'dds_builtintopic_free_endpoint': (None, ct.POINTER(BuiltinEndpoint)),
    'dds_assert_liveliness': (i32, i32),
    'dds_wait_for_acks': (i32, i32, i64),
}


def _wheel_library() -> Path:
    spec = importlib.util.find_spec('cyclonedds')
    if spec is None or spec.origin is None:
        raise DDSError("rosless needs Eclipse Cyclone DDS: run `pip install 'cyclonedds>=11,<12'`")
    version = importlib.metadata.version('cyclonedds')
    if version.split('.')[0] != MAJOR_VERSION:
        raise DDSError(f"cyclonedds {version} is installed, 11.x is needed: run `pip install 'cyclonedds>=11,<12'`")
    package = Path(spec.origin).parent
    for folder in (package.parent / 'cyclonedds.libs', package / '.dylibs'):
        for candidate in folder.glob('libddsc*'):
            return candidate
    raise DDSError(f'the installed cyclonedds {version} ({package}) holds no libddsc; install the wheel from PyPI')


def _load() -> ct.CDLL:
    library = ct.CDLL(str(_wheel_library()))
    for name, (result, *arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


lib = _load()


def check(code: int, what: str) -> int:
    """Return `code` where it is a handle or a count.

    Raises:
        DDSError: if it is one of Cyclone's (negative) error codes.
    """
    if code < 0:
        raise DDSError(f'{what}: {lib.dds_strretcode(code).decode()} ({code})')
    return code
