"""Joins an untagged interface and a trunk: kernels without VLANs (the lab's) meet machines that have them.

tagger.py TRUNK PLAIN ID: both are tap devices. What comes out of TRUNK with this VLAN's tag (IEEE 802.1Q) goes into PLAIN
without it, what comes out of PLAIN goes into TRUNK with it; all else is dropped.
"""

import fcntl
import os
import select
import struct
import sys

TUNSETIFF = 0x400454CA  # linux/if_tun.h
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
TAGGED = b"\x81\x00"


def tap(name):
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return device


def main(trunk, plain, vlan):
    trunk, plain, vlan = tap(trunk), tap(plain), int(vlan)
    while True:
        ready, _, _ = select.select([trunk, plain], [], [])
        for device in ready:
            frame = os.read(device, 65536)
            if device == plain:
                os.write(trunk, frame[:12] + TAGGED + struct.pack("!H", vlan) + frame[12:])
            elif frame[12:14] == TAGGED and struct.unpack("!H", frame[14:16])[0] & 0xFFF == vlan:
                os.write(plain, frame[:12] + frame[16:])


main(*sys.argv[1:])
