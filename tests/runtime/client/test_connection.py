"""The connection comes back by itself, and no task is lost, told twice or waited for for ever."""

from __future__ import annotations

import base64
import gc
import threading
import time
import weakref
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from comfy_script.runtime import (
    Client,
    ConnectError,
    LoadError,
    NodeError,
    ServerError,
    ServerLostError,
    TaskCancelledError,
    load,
)
from comfy_script.runtime.wire import recovery
from comfy_script.runtime.wire import tracker as sending
from comfy_script.runtime.wire.connection import normalize_url, reason_of, server_error
from comfy_script.tests.runtime.client.fake import IMAGES, PROMPT, FakeServer
from comfy_script.tests.runtime.client.test_tasks import wait_for


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch looks every few milliseconds."""
    monkeypatch.setattr(recovery, 'WATCH_INTERVAL', 0.02)
    monkeypatch.setattr(recovery, 'QUIET', 0.05)
    monkeypatch.setattr(recovery, 'ASK_INTERVAL', 0.1)


def test_a_task_that_finished_while_the_connection_was_down(client: Client, fake: FakeServer) -> None:
    ends: list[Any] = []
    task = client.submit(PROMPT)
    task.add_done_callback(ends.append)
    fake.begin(task.prompt_id)
    fake.drop()
    fake.finish(task.prompt_id, tell=False)
    assert task.wait(5)[0].output == IMAGES
    assert task.wait_result('2').output == IMAGES
    wait_for(lambda: ends)
    assert ends == [task]


def test_a_task_that_failed_while_the_connection_was_down(client: Client, fake: FakeServer) -> None:
    task = client.submit(PROMPT)
    fake.begin(task.prompt_id)
    fake.drop()
    fake.fail(task.prompt_id, tell=False, exception_type='ValueError', exception_message='unheard')
    with pytest.raises(Exception, match=r'PreviewImage \(node 2\) failed: ValueError: unheard'):
        task.wait(5)


def test_a_task_that_goes_on_over_a_dropped_connection(client: Client, fake: FakeServer) -> None:
    task = client.submit(PROMPT)
    fake.begin(task.prompt_id)
    fake.drop()
    wait_for(lambda: fake.connections == 2)
    fake.finish(task.prompt_id)
    assert task.wait(5)[0].output == IMAGES


def test_an_output_that_was_told_while_the_connection_was_down(client: Client, fake: FakeServer) -> None:
    task = client.submit(PROMPT)
    fake.begin(task.prompt_id)
    fake.drop()
    wait_for(lambda: client.tracker.connection.epoch == 2)
    fake.finish(task.prompt_id, tell=False)
    fake.send('execution_success', prompt_id=task.prompt_id)
    fake.send('executing', prompt_id=task.prompt_id, node=None)
    assert task.wait(5)[0].output == IMAGES


def test_a_restarted_server_lost_its_tasks(client: Client, fake: FakeServer) -> None:
    running, queued = client.submit(PROMPT), client.submit(PROMPT)
    fake.begin(running.prompt_id)
    fake.stop()
    fake.start()
    for task in running, queued:
        with pytest.raises(ServerLostError, match='restarted'):
            task.wait(5)
    fake.auto = True
    assert client.submit(PROMPT).wait(5)[0].output == IMAGES


def test_a_server_that_stays_away(make_client: Callable[..., Client], fake: FakeServer) -> None:
    client = make_client(lost_after=0.2)
    task = client.submit(PROMPT)
    fake.stop()
    with pytest.raises(ServerLostError, match='went away'):
        task.wait(5)
    with pytest.raises(ConnectError):
        client.submit(PROMPT)
    fake.start()
    fake.auto = True
    assert client.submit(PROMPT).wait(5)[0].output == IMAGES


def test_no_server() -> None:
    started = time.monotonic()
    with Client('127.0.0.1:9', lost_after=30) as client:
        with pytest.raises(ConnectError, match=r'http://127.0.0.1:9/ cannot be reached'):
            client.submit(PROMPT)
        with pytest.raises(ConnectError):
            client.submit(PROMPT, wait=True)
        with pytest.raises(ConnectionError):
            client.refresh()
    assert time.monotonic() - started < 5


def test_submitting_while_the_server_is_away_waits_for_it(make_client: Callable[..., Client], fake: FakeServer) -> None:
    client = make_client(lost_after=5)
    fake.auto = True
    client.submit(PROMPT).wait(5)
    fake.stop()
    wait_for(lambda: not client.tracker.connection.is_up)
    timer = threading.Timer(0.2, fake.start)
    timer.start()
    assert client.submit(PROMPT).wait(5)[0].output == IMAGES
    timer.join()


def test_a_lost_answer_is_no_lost_prompt(client: Client, fake: FakeServer) -> None:
    fake.lose_answer = True
    task = client.submit(PROMPT)
    assert fake.queue == [task.prompt_id]
    fake.begin(task.prompt_id)
    fake.finish(task.prompt_id)
    assert task.wait(5)[0].output == IMAGES


def test_a_lost_prompt_is_sent_again(client: Client, fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, 'POST_SETTLE', 0.01)
    fake.lose_prompts = 2
    fake.auto = True
    task = client.submit(PROMPT)
    assert task.wait(5)[0].output == IMAGES
    assert [body['prompt_id'] for body in fake.prompts] == [task.prompt_id] * 3
    assert list(fake.history) == [task.prompt_id]
    fake.lose_prompts = 99
    with pytest.raises(ConnectError):
        client.submit(PROMPT)


def test_a_proxy_without_websockets(client: Client, fake: FakeServer, quick: None, caplog: Any) -> None:
    fake.refuse_websocket = True
    fake.auto = True
    task = client.submit(PROMPT)
    assert task.wait(5)[0].output == IMAGES
    assert 'refuses websockets' in caplog.text


def test_without_websockets_a_lost_server_is_noticed(
    make_client: Callable[..., Client], fake: FakeServer, quick: None
) -> None:
    fake.refuse_websocket = True
    client = make_client(lost_after=0.2)
    task = client.submit(PROMPT)
    fake.stop()
    with pytest.raises(ServerLostError):
        task.wait(5)


def test_somebody_else_clears_the_queue(client: Client, fake: FakeServer, quick: None) -> None:
    running, queued = client.submit(PROMPT), client.submit(PROMPT)
    fake.begin(running.prompt_id)
    fake.queue.clear()
    fake.send('status', status={'exec_info': {'queue_remaining': 1}})
    with pytest.raises(TaskCancelledError, match='removed'):
        queued.wait(5)
    assert not running.done()


def test_a_websocket_gone_deaf_is_replaced(client: Client, fake: FakeServer, quick: None) -> None:
    task = client.submit(PROMPT)
    fake.begin(task.prompt_id)
    fake.sockets.clear()
    fake.finish(task.prompt_id)
    assert task.wait(5)[0].output == IMAGES
    wait_for(lambda: fake.connections == 2)


def test_success_is_the_end_before_the_server_is_through(client: Client, fake: FakeServer) -> None:
    task = client.submit(PROMPT)
    fake.begin(task.prompt_id)
    fake.send('executed', prompt_id=task.prompt_id, node='2', display_node='2', output=IMAGES)
    fake.send('execution_success', prompt_id=task.prompt_id)
    assert task.wait(5)[0].output == IMAGES
    fake.finish(task.prompt_id)
    assert client.submit(PROMPT).state.value == 'queued'


def test_an_end_that_was_told_without_the_last_message(client: Client, fake: FakeServer, quick: None) -> None:
    task = client.submit(PROMPT)
    fake.begin(task.prompt_id)
    fake.send('execution_error', prompt_id=task.prompt_id, node_id='2', exception_message='no luck')
    fake.fail(task.prompt_id, tell=False, exception_message='no luck')
    with pytest.raises(NodeError, match='no luck'):
        task.wait(5)


def test_a_client_that_nobody_closed(fake: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    """It takes its connections along; aiohttp complains where one does not."""
    client = Client(fake.url)
    assert len(client.schemas) == 3
    session = weakref.ref(client.tracker.connection.session)
    del client
    gc.collect()
    wait_for(lambda: session() is None or session().closed)  # type: ignore[union-attr]
    gc.collect()
    assert not caplog.records


def test_closing_ends_what_is_out(client: Client, fake: FakeServer) -> None:
    task = client.submit(PROMPT)
    client.close()
    with pytest.raises(ServerLostError, match='closed'):
        task.wait(5)
    fake.auto = True
    assert client.submit(PROMPT).wait(5)[0].output == IMAGES


@pytest.mark.parametrize(
    ('given', 'url'),
    [
        ('localhost:8188', 'http://localhost:8188/'),
        ('http://127.0.0.1:8188', 'http://127.0.0.1:8188/'),
        ('https://host/prefix', 'https://host/prefix/'),
        ('https://host/prefix/?token=a', 'https://host/prefix/?token=a'),
    ],
)
def test_urls(given: str, url: str) -> None:
    assert normalize_url(given) == url


def test_prefix_query_headers_cookies_and_auth() -> None:
    fake = FakeServer(auto=True, prefix='/some/prefix')
    options: dict[str, Any] = {
        'headers': {'X-Token': 'abc'},
        'cookies': {'session': 'def'},
        'auth': ('user', 'pass'),
    }
    try:
        with Client(fake.url + '?key=1', **options) as client:
            assert client.embeddings == ('tiny',)
            assert list(client.schemas) == ['EmptyImage', 'PreviewImage', 'SaveImage']
            assert client.submit(PROMPT).wait(5)[0].read() == b'file a'
        assert {path.partition('?')[0] for _, path, _ in fake.requests} >= {
            '/some/prefix/ws',
            '/some/prefix/prompt',
            '/some/prefix/view',
        }
        for _, path, headers in fake.requests:
            assert 'key=1' in path
            assert headers['X-Token'] == 'abc'
            assert headers['Cookie'] == 'session=def'
            assert base64.b64decode(headers['Authorization'].split()[1]) == b'user:pass'
    finally:
        fake.close()


def test_passwords_are_not_shown(fake: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    """In what is printed of a client, in errors and in the log."""
    url = fake.url.replace('//', '//me:pass-word@') + '?token=secret-token'
    secret = {'headers': {'X-Key': 'secret-key'}, 'cookies': {'session': 'secret-cookie'}, 'api_key': 'secret-api'}
    fake.auto = True
    fake.files.clear()
    fake.refuse_websocket = True
    said: list[str] = []
    with Client(url, **secret, lost_after=0.1) as client:
        said += [repr(client), repr(client.options), repr(client.queue), str(client)]
        task = client.submit(PROMPT)
        result = task.wait(10)[0]
        with pytest.raises(ServerError) as caught:
            result.read()
        said.append(str(caught.value))
        fake.answer_prompt = 500, {'no': 1}
        with pytest.raises(ServerError) as caught:
            client.submit(PROMPT)
        said.append(str(caught.value))
        fake.stop()
        with pytest.raises(ConnectError) as lost:
            client.refresh()
        said.append(str(lost.value))
    with pytest.raises(LoadError) as refused:
        load('ws://me:pass-word@host/')
    said.append(str(refused.value))
    assert 'me:***@' in said[0]
    assert [text for text in (*said, caplog.text) if 'secret-' in text or 'pass-word' in text] == []


def test_a_session_of_the_users_own(make_client: Callable[..., Client], fake: FakeServer) -> None:
    import aiohttp

    fake.auto = True
    client = make_client(session_factory=lambda: aiohttp.ClientSession(headers={'X-Mine': '1'}))
    client.submit(PROMPT).wait(5)
    assert all(headers.get('X-Mine') == '1' for _, _, headers in fake.requests)


def test_errors_tell_what_the_server_said(client: Client, fake: FakeServer) -> None:
    fake.auto = True
    fake.files.clear()
    result = client.submit(PROMPT).wait(5)[0]
    with pytest.raises(ServerError, match=r'/view answered 404: no such file'):
        result.read()
    fake.answer_prompt = 500, {'oops': 1}
    with pytest.raises(ServerError, match='answered the workflow with 500'):
        client.submit(PROMPT)


@pytest.mark.parametrize(
    ('scheme', 'message'),
    [
        ('http', r'cannot be reached: Cannot connect to host 127\.0\.0\.1:\d+ \[Connect call failed'),
        ('https', r'does it speak http:// and not https://\?$'),
    ],
)
def test_why_a_server_is_not_reached(scheme: str, message: str, fake: FakeServer) -> None:
    url = fake.url.replace('http', scheme)
    if scheme == 'http':
        fake.stop()
    with Client(url) as client, pytest.raises(ConnectError, match=message):
        client.refresh()


def test_a_certificate_that_nobody_vouches_for() -> None:
    """The hint names the option."""
    error = OSError('[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self signed certificate')
    assert reason_of(error).endswith('certificate: verify=False accepts any certificate')


def test_pages_of_proxies_are_shown_as_text() -> None:
    page = b'<html><title>413 Too &amp; Large</title>\r\n<style>b { c: d }</style><body><hr>nginx</body></html>'
    error = server_error('POST', 'http://host/prompt', 413, page)
    assert str(error).endswith('client_max_body_size of 1 MB): 413 Too & Large nginx')
    assert 'Client give credentials): no' in str(server_error('GET', 'http://host/', 401, b'no'))
    assert str(server_error('GET', 'http://host/', 500, b' ')).endswith('answered 500')


class _Moved(BaseHTTPRequestHandler):
    to = ''

    def do_GET(self) -> None:
        self.send_response(301)
        self.send_header('Location', self.to + self.path.removeprefix('/old/'))
        self.send_header('Content-Length', '0')
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers['Content-Length']))
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_a_redirected_prompt_is_not_taken_for_queued(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a proxy sends http to https: reading works, but what is posted arrives as a GET."""
    monkeypatch.setattr(_Moved, 'to', fake.url)
    with ThreadingHTTPServer(('127.0.0.1', 0), _Moved) as moved:
        threading.Thread(target=moved.serve_forever, daemon=True).start()
        with Client(f'http://127.0.0.1:{moved.server_port}/old/') as client:
            assert 'EmptyImage' in client.schemas
            with pytest.raises(ServerError, match=f'give load\\(\\) the address {fake.url}$'):
                client.submit(PROMPT)
        moved.shutdown()


def test_several_servers_at_once(client: Client, fake: FakeServer) -> None:
    other_fake = FakeServer(auto=True)
    fake.auto = True
    try:
        with Client(other_fake.url) as other:
            tasks = [each.submit(PROMPT) for each in (client, other) * 5]
            assert all(len(task.wait(5)) == 1 for task in tasks)
    finally:
        other_fake.close()
    assert len(fake.prompts) == len(other_fake.prompts) == 5
