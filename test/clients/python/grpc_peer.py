"""gRPC's own C library as a peer, over raw bytes: whatever it is asked, it echoes.

grpc_peer.py serve [CERTIFICATE KEY]  prints its port, and what it was asked; ends with its standard input.
grpc_peer.py call AUTHORITY [CA]      prints as JSON what came of one call of each kind.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc

SERVICE = "headgate.test.Echo"
LENGTHS = [1, 1_000, 1_000_000]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def told(context, said):
    metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
    print(json.dumps({"said": said.decode("latin-1"), "metadata": metadata}), flush=True)


def say(request, context):
    told(context, request)
    if request == b"fail":
        context.set_trailing_metadata((("x-why", "asked to"),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "as you wish")
    context.set_trailing_metadata((("x-trailer", "one"), ("x-trailer", "two")))
    return request


def chat(requests, context):
    for request in requests:
        yield request


def serve(certificate=None, key=None):
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    methods = {
        "Say": grpc.unary_unary_rpc_method_handler(say),
        "Chat": grpc.stream_stream_rpc_method_handler(chat),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
    if certificate is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        credentials = grpc.ssl_server_credentials([(read(key), read(certificate))])
        port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(grace=None).wait()


def call(authority, ca=None):
    if ca is None:
        channel = grpc.insecure_channel(authority)
    else:
        channel = grpc.secure_channel(authority, grpc.ssl_channel_credentials(read(ca)))
    with channel:
        print(json.dumps(calls(channel)))


def calls(channel):
    unary = channel.unary_unary(f"/{SERVICE}/Say")
    answer, done = unary.with_call(b"hello", timeout=60, metadata=(("x-asked", "for it"),))
    trailers = [value for key, value in done.trailing_metadata() if key == "x-trailer"]
    try:
        unary(b"fail", timeout=60)
        failed = None
    except grpc.RpcError as error:
        why = dict(error.trailing_metadata()).get("x-why")
        failed = [error.code().name, error.details(), why]
    stream = channel.stream_stream(f"/{SERVICE}/Chat")
    lengths = [len(message) for message in stream(map(bytes, LENGTHS), timeout=60)]
    missing = channel.unary_unary(f"/{SERVICE}/Missing")
    try:
        missing(b"", timeout=60)
        unknown = None
    except grpc.RpcError as error:
        unknown = error.code().name
    return {
        "said": answer.decode(),
        "trailers": trailers,
        "failed": failed,
        "lengths": lengths,
        "unknown": unknown,
    }


{"serve": serve, "call": call}[sys.argv[1]](*sys.argv[2:])
