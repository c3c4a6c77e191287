#!/usr/bin/env python3
"""Write lib/double_powers.h: 10^k for k in -292..324 as 128-bit integers.

Each entry is ceil(10^k * 2^(127 - floor(log2(10^k)))), so its top bit is set;
Python's integers make it exact. Run it only to make the table again:

    python3 lib/double_powers.py > lib/double_powers.h
"""

FIRST, LAST = -292, 324


def floor_log2_pow10(k):
    if k >= 0:
        return (10**k).bit_length() - 1
    # 10^k = 1/10^-k is no power of two, so its logarithm's floor is -bit_length.
    return -(10**-k).bit_length()


def entry(k):
    shift = 127 - floor_log2_pow10(k)
    top = (10**k if k > 0 else 1) << max(shift, 0)
    bottom = (10**-k if k < 0 else 1) << max(-shift, 0)
    value = -(-top // bottom)
    assert 1 << 127 <= value < 1 << 128
    return value


print("/* Made by lib/double_powers.py: { high, low } of ceil(10^k * 2^(127 - floor(log2(10^k)))). */")
print(f"enum {{ POWER_FIRST = {FIRST}, POWER_LAST = {LAST} }};")
print("static const uint64_t powers[POWER_LAST - POWER_FIRST + 1][2] = {")
for k in range(FIRST, LAST + 1):
    value = entry(k)
    print("\t{ 0x%016x, 0x%016x }, /* %d */" % (value >> 64, value & (1 << 64) - 1, k))
print("};")
