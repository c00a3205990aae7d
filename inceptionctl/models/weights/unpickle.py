"""Reads the pickles of torch.save without running anything in them: tensors become `Stored`, every other object is an
empty stand-in. No torch.

A pickle calls functions by name. Here a name never leads to the function: those that put tensors together are answered
by functions of this file, dictionaries and lists are themselves, and anything else is an `Inert`.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from typing import Any

from inceptionctl.models.weights.contents import Shape, Storage, Stored, extent, itemsize

# Of the standard library, torch and numpy, what stands for values in training scripts. Calls of anything else of theirs
# are refused: they are what files made to harm use.
PLAIN = (
    "argparse.Namespace", "types.SimpleNamespace", "pathlib.", "collections.", "datetime.", "decimal.Decimal",
    "fractions.Fraction", "uuid.UUID", "enum.", "functools.partial", "copyreg._reconstructor", "_codecs.encode",
    *(f"builtins.{name}" for name in ("object", "set", "frozenset", "complex", "bytearray", "slice", "range", "bytes")),
    *(f"builtins.{name}" for name in ("dict", "list", "tuple", "int", "float", "str", "bool")),
    "__builtin__.set", "__builtin__.object", "__builtin__.complex",
    "numpy.core.multiarray.scalar", "numpy.core.multiarray._reconstruct", "numpy.core.numeric._frombuffer",
    "numpy._core.multiarray.scalar", "numpy._core.multiarray._reconstruct", "numpy._core.numeric._frombuffer",
    "numpy.dtype", "numpy.ndarray", "numpy.float", "numpy.int", "numpy.bool", "numpy.str_", "numpy.random.",
    "torch.Size", "torch.device", "torch.nn.", "torch.optim.", "torch._C.Generator", "torch.Generator",
    "torch.torch_version.TorchVersion", "torch.utils.data.", "torch.amp.", "torch.cuda.amp.",
    "torch._utils._rebuild_", "torch._tensor._rebuild_", "torch.serialization._get_layout",
)  # fmt: skip
WATCHED = {*sys.stdlib_module_names, "__builtin__", "copy_reg", "torch", "numpy", "posix", "nt"}
STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128", "QUInt8Storage": "quint8", "QInt8Storage": "qint8", "QInt32Storage": "qint32",
    "UntypedStorage": "uint8",
}  # fmt: skip


class Refused(Exception):
    """The pickle calls what no file of weights does. `name`: what."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Damaged(Exception):
    """The pickle contradicts itself."""


class Inert(dict[Any, Any]):
    """Stands in for an object of a class, or a function, of this `name`. It keeps the items of dictionaries."""

    name = ""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__()

    def __setstate__(self, state: object) -> None:
        pass

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)

    def __call__(self, *_: object, **__: object) -> Inert:
        return self

    def append(self, _: object) -> None:
        pass

    def extend(self, _: object) -> None:
        pass

    def add(self, _: object) -> None:
        pass


class Plain(dict[Any, Any]):
    """An OrderedDict, whose attributes (torch notes versions there) are passed over."""

    def __setstate__(self, _: object) -> None:
        pass


class StoredStorage:
    """What `persistent_load` finds: the bytes of a storage, and the type of its elements."""

    def __init__(self, dtype: str, storage: Storage | None, offset: int = 0) -> None:
        self.dtype, self.storage, self.offset = dtype, storage, offset

    def __setstate__(self, _: object) -> None:
        raise TypeError("a pickle may not change a storage")


FindStorage = Callable[[str, str, int, tuple[Any, ...]], StoredStorage]  # dtype, key, numel, rest of the persistent id


class StructureUnpickler(pickle._Unpickler):  # the one in C reserves as much memory as a damaged pickle asks for
    """Builds dictionaries, lists, numbers, text and `Stored` tensors. Raises Refused, Damaged, or whatever damaged
    pickles make `pickle.Unpickler` raise."""

    def __init__(self, file: Any, find_storage: FindStorage) -> None:  # noqa: ANN401  whatever has read and readline
        super().__init__(file, encoding="utf-8", errors="replace")
        self._find_storage = find_storage

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  as in pickle
        full = f"{module}.{name}"
        if full in BUILDERS:
            return BUILDERS[full]
        if module == "torch" and name.endswith("Storage"):
            return _named(full, STORAGES.get(name, name.removesuffix("Storage").lower()))
        if module == "torch" and itemsize(name):  # torch.float32
            return _named(full, name)
        if module == "torch.storage" and name in STORAGES:
            return _named(full, STORAGES[name])
        return _inert_class(full)

    def persistent_load(self, pid: Any) -> Any:  # noqa: ANN401
        if not isinstance(pid, tuple) or not pid or pid[0] not in ("storage", "module"):
            raise Damaged("a storage has no name")
        if pid[0] == "module":  # the source of a pickled class: never looked at
            return pid[1]
        _, kind, key, _, numel, *rest = pid
        if not isinstance(numel, int) or numel < 0:
            raise Damaged(f"the storage {key} has {numel} elements")
        return self._find_storage(getattr(kind, "dtype", "uint8"), str(key), numel, tuple(rest))


def _named(full: str, dtype: str) -> Any:  # noqa: ANN401
    """A type of torch: only its name counts."""
    found = Inert()
    found.name, found.dtype = full, dtype  # type: ignore[attr-defined]
    return found


def _inert_class(full: str) -> type[Inert]:
    """A class of its own for each name, since pickles call classes; calling one that is not harmless raises Refused."""

    def refuse(cls: type[Inert], *_: object, **__: object) -> Inert:
        if not is_harmless(full):
            raise Refused(full)
        return dict.__new__(cls)

    return type("Inert", (Inert,), {"name": full, "__new__": refuse})


def is_harmless(full: str) -> bool:
    """Whether the name is one that values in a training script have, or of nobody's library that is known here."""
    return full.partition(".")[0] not in WATCHED or full.startswith(PLAIN)


def _tensor(storage: Any, offset: int, shape: Any, stride: Any, *rest: Any) -> Stored:  # noqa: ANN401
    """`torch._utils._rebuild_tensor_v2`: rest is requires_grad, hooks and what bits are pending."""
    pending = rest[2] if len(rest) > 2 else None
    return _strided(storage, storage.dtype, offset, shape, stride, bool(pending))


def _tensor_v3(storage: Any, offset: int, shape: Any, stride: Any, *rest: Any) -> Stored:  # noqa: ANN401
    """The same with the type behind the hooks."""
    return _strided(storage, rest[2].dtype, offset, shape, stride, bool(rest[3:] and rest[3]))


def _strided(storage: Any, dtype: str, offset: int, shape: Any, stride: Any, pending: bool) -> Stored:  # noqa: ANN401
    shape, stride = _counts(shape), _counts(stride)
    (offset,) = _counts((offset,))
    if pending:
        return Stored(dtype, shape, problem="has a conjugation or a negation that is not carried out yet")
    size = itemsize(dtype)
    offset += storage.offset
    if len(shape) != len(stride):
        raise Damaged("a tensor has strides for another number of axes")
    if storage.storage and size and (offset + extent(shape, stride)) * size > storage.storage.size:
        raise Damaged("a tensor lies beyond its storage")
    return Stored(dtype, shape, storage.storage, offset, stride)


def _counts(values: Any) -> Shape:  # noqa: ANN401
    if not all(type(n) is int and 0 <= n < 1 << 60 for n in values) or len(values) > 64:
        raise Damaged(f"a tensor has the shape, place or strides {tuple(values)}")
    return tuple(values)


def _size(values: Any = ()) -> Shape:  # noqa: ANN401
    return tuple(values)


def _parameter(data: Any, *_: object) -> Any:  # noqa: ANN401
    return data


def _of_type(_function: Any, _type: Any, args: Any, _state: Any) -> Any:  # noqa: ANN401
    """A tensor with attributes of its own, or of a subclass."""
    plain = getattr(_type, "name", "") in ("torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer")
    built = _function(*args)
    return (
        built
        if plain or not isinstance(built, Stored)
        else Stored(built.dtype, built.shape, problem=f"is a {getattr(_type, 'name', 'subclass')}")
    )


def _sparse(*_: object) -> Stored:
    return Stored("sparse", (), problem="is sparse")


def _quantized(storage: Any, _offset: int, shape: Any, *_: object) -> Stored:  # noqa: ANN401
    return Stored(storage.dtype, _counts(shape), problem=f"is quantized ({storage.dtype})")


def _meta(dtype: Any, shape: Any, *_: object) -> Stored:  # noqa: ANN401
    return Stored(getattr(dtype, "dtype", "?"), _counts(shape), problem="is on the meta device and has no values")


def _nested(*_: object) -> Stored:
    return Stored("nested", (), problem="is a nested tensor")


def _elsewhere(*_: object) -> Stored:
    return Stored("?", (), problem="is of a device whose tensors are not stored plainly: move it to the CPU first")


BUILDERS: dict[str, Any] = {
    "collections.OrderedDict": Plain,
    "__builtin__.dict": dict,
    "builtins.dict": dict,
    "torch.Size": _size,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type": _of_type,
    "torch._tensor._rebuild_from_type_v2": _of_type,
    "torch._utils._rebuild_sparse_tensor": _sparse,
    "torch._utils._rebuild_sparse_csr_tensor": _sparse,
    "torch._utils._rebuild_nested_tensor": _nested,
    "torch._utils._rebuild_qtensor": _quantized,
    "torch._utils._rebuild_meta_tensor_no_storage": _meta,
    "torch._utils._rebuild_wrapper_subclass": _elsewhere,
    "torch._utils._rebuild_device_tensor_from_numpy": _elsewhere,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _elsewhere,
    "torch._utils._rebuild_mkldnn_tensor": _elsewhere,
}
