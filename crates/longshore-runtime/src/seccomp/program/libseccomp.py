"""Makes a filter with libseccomp, as runc does, from the rules of an OCI specification on stdin.

Writes the program to stdout. Names that this libseccomp does not know go to stderr, one a line.
"""

import ctypes
import json
import sys


class Comparison(ctypes.Structure):
    _fields_ = [
        ("index", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("value", ctypes.c_uint64),
        ("value_two", ctypes.c_uint64),
    ]


OPS = ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"]
ARCHITECTURES = {
    "SCMP_ARCH_X86": 0x40000003,
    "SCMP_ARCH_X86_64": 0xC000003E,
    "SCMP_ARCH_X32": 0x4000003E,
    "SCMP_ARCH_ARM": 0x40000028,
    "SCMP_ARCH_AARCH64": 0xC00000B7,
}
ACTIONS = {"SCMP_ACT_ALLOW": lambda _: 0x7FFF0000, "SCMP_ACT_ERRNO": lambda errno: 0x00050000 | errno}

library = ctypes.CDLL("libseccomp.so.2")
library.seccomp_init.restype = ctypes.c_void_p
library.seccomp_init.argtypes = [ctypes.c_uint32]
library.seccomp_arch_exist.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
library.seccomp_arch_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
library.seccomp_rule_add_array.argtypes = [
    ctypes.c_void_p,
    ctypes.c_uint32,
    ctypes.c_int,
    ctypes.c_uint,
    ctypes.POINTER(Comparison),
]
library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]


def check(answer):
    if answer != 0:
        raise OSError(-answer, "libseccomp refuses")


def action(entry, key, errno):
    return ACTIONS[entry[key]](entry.get(errno) or 1)


profile = json.load(sys.stdin)
default = action(profile, "defaultAction", "defaultErrnoRet")
context = library.seccomp_init(default)
for name in profile["architectures"]:
    if library.seccomp_arch_exist(context, ARCHITECTURES[name]) != 0:
        check(library.seccomp_arch_add(context, ARCHITECTURES[name]))
for rule in profile["syscalls"]:
    verdict = action(rule, "action", "errnoRet")
    # What is the default anyway is not a rule for libseccomp.
    if verdict == default:
        continue
    arguments = rule.get("args") or []
    comparisons = (Comparison * len(arguments))(
        *[
            Comparison(
                one["index"],
                1 + OPS.index(one["op"].removeprefix("SCMP_CMP_")),
                one["value"],
                one.get("valueTwo") or 0,
            )
            for one in arguments
        ]
    )
    for name in rule["names"]:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number == -1:
            print(name, file=sys.stderr)
            continue
        check(library.seccomp_rule_add_array(context, verdict, number, len(arguments), comparisons))
check(library.seccomp_export_bpf(context, sys.stdout.fileno()))
