"""One way through a proxy: client.py LIBRARY PROXY-URL URL [CA-FILE]; prints status and body as JSON."""

import json
import ssl
import sys
import urllib.error
import urllib.request


def with_requests(proxy, url, ca):
    import requests

    with requests.Session() as session:
        session.trust_env = False
        session.proxies = {"http": proxy, "https": proxy}
        session.verify = ca or True
        # Three over one kept connection; the last one is told of.
        for _ in range(3):
            response = session.get(url, timeout=30)
        return response.status_code, response.text


def with_urllib(proxy, url, ca):
    context = ssl.create_default_context(cafile=ca) if ca else None
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({"http": proxy, "https": proxy}),
        urllib.request.HTTPSHandler(context=context),
    )
    try:
        with opener.open(url, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


library, proxy, url = sys.argv[1:4]
ca = sys.argv[4] if len(sys.argv) > 4 else None
ways = {"requests": with_requests, "urllib": with_urllib}
try:
    status, body = ways[library](proxy, url, ca)
    print(json.dumps({"status": status, "body": body}))
except Exception as error:  # told, whatever it is: the test reads it
    print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
