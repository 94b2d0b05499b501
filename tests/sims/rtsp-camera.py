#!/usr/bin/python3
"""A real RTSP camera for tests: loops encoded pictures over RTSP on loopback, with a password if told so.

rtsp-camera.py PORT [--user NAME --password-from-stdin] MOUNT=FILE@FPS ...     # rtsp://127.0.0.1:PORT/MOUNT

FILE ends in .h264, .h265 (Annex B with access-unit delimiters) or .mjpeg (one JPEG after the other); several FILEs joined by
"+" follow each other (another size or codec parameters in the middle of the stream). Prints "ready" when it listens.
Needs Debian's python3-gi, gir1.2-gst-rtsp-server-1.0 and gstreamer1.0-plugins-base/good/bad; run it with /usr/bin/python3.
"""
import argparse
import re
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)

KINDS = {
    "h264": (b"\x00\x00\x00\x01\x09", "video/x-h264,stream-format=byte-stream,alignment=au", "h264parse config-interval=-1 ! rtph264pay"),
    "h265": (b"\x00\x00\x00\x01\x46\x01", "video/x-h265,stream-format=byte-stream,alignment=au", "h265parse config-interval=-1 ! rtph265pay"),
    "mjpeg": (b"\xff\xd8\xff", "image/jpeg", "jpegparse ! rtpjpegpay"),
}


def pictures(path, mark):
    data = open(path, "rb").read()
    starts = [m.start() for m in re.finditer(re.escape(mark), data)] + [len(data)]
    return [data[a:b] for a, b in zip(starts, starts[1:])]


class Looping(GstRtspServer.RTSPMediaFactory):
    def __init__(self, paths, fps):
        super().__init__()
        mark, caps, payload = KINDS[paths[0].rsplit(".", 1)[1]]
        self.units, self.fps = [unit for path in paths for unit in pictures(path, mark)], fps
        self.set_shared(True)
        self.set_launch(
            "( appsrc name=src is-live=true block=true format=time max-bytes=4000000 "
            f'caps="{caps},framerate={fps}/1" ! {payload} name=pay0 pt=96 )'
        )

    def do_configure(self, media):
        source, state = media.get_element().get_child_by_name("src"), {"n": 0}

        def need(element, _length):
            n = state["n"]
            buffer = Gst.Buffer.new_wrapped(self.units[n % len(self.units)])
            duration = Gst.SECOND // self.fps
            buffer.pts = buffer.dts = n * duration
            buffer.duration = duration
            state["n"] = n + 1
            element.emit("push-buffer", buffer)

        source.connect("need-data", need)
        GstRtspServer.RTSPMediaFactory.do_configure(self, media)


parser = argparse.ArgumentParser()
parser.add_argument("port")
parser.add_argument("--user")
parser.add_argument("--password-from-stdin", action="store_true")
parser.add_argument("mounts", nargs="+")
chosen = parser.parse_args()

server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(chosen.port)
if chosen.user:
    password = sys.stdin.readline().rstrip("\n")
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(2)  # GST_RTSP_AUTH_DIGEST
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(chosen.user, password, token)
    server.set_auth(auth)
for argument in chosen.mounts:
    name, rest = argument.split("=", 1)
    paths, fps = rest.rsplit("@", 1)
    factory = Looping(paths.split("+"), int(fps))
    if chosen.user:
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/" + name, factory)
server.attach(None)
print("ready", flush=True)
GLib.MainLoop().run()
