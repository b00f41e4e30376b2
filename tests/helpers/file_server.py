"""A server of files on this machine alone, which may cut an answer short."""

import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args, asked, cut, **options):
        self.asked, self.cut = asked, cut
        super().__init__(*args, **options)

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()

    def copyfile(self, source, outputfile):
        content = source.read()
        outputfile.write(content[: len(content) - self.cut])

    def log_message(self, *args):
        pass


@contextmanager
def serve(folder, cut=0):
    """Serve a folder; yields its address and the list of paths asked for. ``cut`` bytes are missing at each end."""
    asked = []
    handler = partial(_Handler, asked=asked, cut=cut, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
