"""A student as the hub sees one: logs in, and works through the interfaces that a browser uses."""

import contextlib
import json
import time
import uuid

import requests
import websocket


class Student:
    def __init__(self, hub, name, password):
        self.hub, self.name, self.password = hub, name, password
        self.session, self.kernel = requests.Session(), None
        self.times, self.problems = {}, []

    def get(self, path):
        return self.session.get(self.hub + path, timeout=60)

    def post(self, address, **body):
        answer = self.session.post(self.hub + address, json=body, timeout=600)
        answer.raise_for_status()
        return answer.json() if answer.text else None

    def log_in(self):
        """With name and password, as the page does; a token stands for that from then on."""
        browser = requests.Session()

        def xsrf(page):
            browser.get(f"{self.hub}/hub/{page}", timeout=60).raise_for_status()
            return next(cookie.value for cookie in browser.cookies if cookie.name == "_xsrf" and cookie.path == "/hub/")

        form = {"username": self.name, "password": self.password, "_xsrf": xsrf("login")}
        browser.post(f"{self.hub}/hub/login", data=form, allow_redirects=False, timeout=60).raise_for_status()
        address = f"{self.hub}/hub/api/users/{self.name}/tokens"
        answer = browser.post(address, json={}, headers={"X-XSRFToken": xsrf("token")}, timeout=60)
        answer.raise_for_status()
        self.session.headers["Authorization"] = f"token {answer.json()['token']}"

    def servers(self):
        return self.get(f"/hub/api/users/{self.name}").json()["servers"]

    def is_ready(self):
        return self.servers().get("", {}).get("ready", False)

    def start_server(self):
        self.session.post(f"{self.hub}/hub/api/users/{self.name}/server", timeout=120).raise_for_status()
        while not self.is_ready():
            if not self.servers():
                raise RuntimeError(f"the server of {self.name} did not start")
            time.sleep(1)

    def stop_server(self):
        self.session.delete(f"{self.hub}/hub/api/users/{self.name}/server", timeout=120).raise_for_status()
        while self.servers():
            time.sleep(0.5)

    def started(self):
        """When the server was started."""
        return self.servers()[""]["started"]

    def start_kernel(self, path):
        """The kernel of a notebook."""
        kernel = {"name": "rust"}
        name = path.rpartition("/")[2]
        answer = self.post(f"/user/{self.name}/api/sessions", path=path, name=name, type="notebook", kernel=kernel)
        self.kernel = answer["kernel"]["id"]

    def connect(self):
        """A connection to the kernel: a new one for each cell, since the server closes one that is silent."""
        address = f"{self.hub.replace('http', 'ws', 1)}/user/{self.name}/api/kernels/{self.kernel}/channels"
        header = {"Authorization": self.session.headers["Authorization"]}
        return websocket.create_connection(address, header=header, timeout=600)

    def execute(self, code):
        """Runs a cell; what it has printed and shown, as text."""
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": self.name, "session": "", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        said, replied, idle = [], False, False
        with contextlib.closing(self.connect()) as connection:
            connection.send(json.dumps(message))
            while not (replied and idle):
                message = json.loads(connection.recv())
                if message["parent_header"].get("msg_id") != header["msg_id"]:
                    continue
                kind, content = message["msg_type"], message["content"]
                replied |= kind == "execute_reply"
                idle |= kind == "status" and content["execution_state"] == "idle"
                if kind == "stream":
                    said.append(content["text"])
                elif kind in ("execute_result", "display_data"):
                    said.append(content["data"].get("text/plain", ""))
                elif kind == "error":
                    said.append("\n".join([content["evalue"], *content["traceback"]]))
        return "".join(said)

    def read(self, path):
        answer = self.get(f"/user/{self.name}/api/contents/{path}")
        answer.raise_for_status()
        return answer.json()["content"]

    def write(self, path, content):
        kind = {"type": "file", "format": "text"} if isinstance(content, str) else {"type": "notebook", "format": "json"}
        body = {**kind, "content": content}
        self.session.put(f"{self.hub}/user/{self.name}/api/contents/{path}", json=body, timeout=60).raise_for_status()

    def do_sheet(self, sheet, answers, count):
        """From the log-in to the submission, with so many cells run. The times that it notes are seconds."""
        begin = time.monotonic()
        self.log_in()
        self.start_server()
        self.times["server"] = time.monotonic() - begin
        course = {"course_id": "neural-networks", "assignment_id": sheet}
        self.post(f"/user/{self.name}/assignments/fetch", **course)
        path = f"{sheet}/{sheet}-exercises.ipynb"
        book = self.read(path)
        begin = time.monotonic()
        self.start_kernel(path)
        for cell in book["cells"]:
            cell["source"] = answers.get(cell["id"], cell["source"])
        for cell in [cell for cell in book["cells"] if cell["cell_type"] == "code"][:count]:
            said = self.execute(cell["source"])
            self.times.setdefault("first cell", time.monotonic() - begin)
            if cell["id"].startswith("check-") and ": right." not in said:
                self.problems.append(f"{cell['id']}: {said[:200]}")
        self.times["sheet"] = time.monotonic() - begin
        self.write(path, book)
        begin = time.monotonic()
        answer = self.post(f"/user/{self.name}/assignments/submit", **course)
        self.times["submitted"] = time.monotonic() - begin
        if not answer["success"]:
            self.problems.append(answer["value"][-200:])
