"""A gate before a registry: passes requests on, limits, breaks off or stalls, as the file of its mood says.

Arguments: its port, the registry's port, the file. One line is written for each request.
"""

import http.client
import http.server
import sys
import time

LIMITED = b'{"errors":[{"code":"TOOMANYREQUESTS","message":"pull rate limit reached"}]}'
PIECE = 64 * 1024
CUT_AFTER = 2 * 1024 * 1024


def mood_now():
    with open(sys.argv[3]) as file:
        return file.read().strip()


class Gate(http.server.BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        mood = mood_now()
        print(self.command, self.path, mood, self.headers.get("Range", ""), flush=True)
        if mood == "limits":
            self.answer_limited()
        else:
            self.pass_on(mood if "/blobs/" in self.path else "open")

    do_HEAD = do_GET

    def answer_limited(self):
        self.send_response(429)
        self.send_header("Content-Type", "application/json")
        self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(LIMITED)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(LIMITED)

    def pass_on(self, mood):
        registry = http.client.HTTPConnection("127.0.0.1", int(sys.argv[2]))
        registry.request(self.command, self.path, headers=dict(self.headers))
        answer = registry.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        self.end_headers()
        sent = 0
        while piece := answer.read(PIECE):
            self.wfile.write(piece)
            sent += len(piece)
            if mood == "stalls" and sent >= CUT_AFTER:
                print("stalled", self.path, flush=True)
                while mood_now() == "stalls":
                    time.sleep(0.02)
                mood = "open"
            if mood == "cuts" and sent >= CUT_AFTER:
                print("cut", self.path, flush=True)
                self.close_connection = True
                self.wfile.flush()
                self.connection.close()
                return

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Gate).serve_forever()
