"""What a client did wrong is told from what a service does wrong, by the lines as software writes them."""
from __future__ import annotations

import pytest

from sra_server.detect.client import address, asked_wrong, counted, others
from sra_server.detect.trial import arrived
from sra_server.domain.record import Record

NGINX = "2024/03/05 12:00:00 [error] 12#12: *3 "
APACHE = "[Tue Mar 05 12:00:00.123 2024] [core:error] [pid 3] [client 203.0.113.9:5555] "
APP = "2024-03-05 12:00:00,000 ERROR shop: "
ASKED = ', client: 203.0.113.9, server: shop, request: "GET /x HTTP/1.1", host: "shop.example"'

OF_CLIENTS = [
    f'{NGINX}open() "/var/www/wp-login.php" failed (2: No such file or directory){ASKED}',
    f'{NGINX}open() "/var/www/x" failed (2: No such file or directory){ASKED}, referrer: "https://else.example/"',
    f'{NGINX}directory index of "/var/www/" is forbidden{ASKED}',
    f'{NGINX}"/var/www/x/index.html" is not found (2: No such file or directory){ASKED}',
    f"{NGINX}access forbidden by rule{ASKED}",
    f"{NGINX}client intended to send too large body: 10485761 bytes{ASKED}",
    f"{NGINX}client sent invalid header line: \"x\" while reading client request headers{ASKED}",
    f"{NGINX}SSL_do_handshake() failed (SSL: error:0A0000C1) while SSL handshaking, client: 203.0.113.9",
    f"{APACHE}AH00128: File does not exist: /var/www/wp-login.php",
    f"{APACHE}AH01630: client denied by server configuration: /var/www/.env",
    f"{APACHE}AH00126: Invalid URI in request GET /../../etc/passwd HTTP/1.1",
    f"{APACHE}AH00135: Invalid method in request \\x16\\x03\\x01",
    f"{APP}client 203.0.113.9: Connection reset by peer",
    f"{APP}Connection reset by peer (client 203.0.113.9)",
    f"{APP}request from 203.0.113.9:51322: read: [Errno 104] Connection reset by peer",
    f"{APP}peer=2001:db8:1:2::9 write error: broken pipe",
    f"{APP}read tcp 10.0.0.1:8080->203.0.113.9:51322: read: connection reset by peer",
    f"{APP}client 10.0.0.9 disconnected: read ECONNRESET",
    f"{APP}client dev81 disconnected: Connection reset by peer",
    f"{APP}client disconnected: [Errno 104] Connection reset by peer",
    f"{APP}client socket error: read ECONNRESET",
    f"{APP}Error on client socket: Error: read ECONNRESET",
    f"{APP}socket error on client socket 10.0.0.7: ECONNRESET",
    f"{APP}read ECONNRESET on client socket",
    f"{APP}Error: read ECONNRESET (client socket)",
    f"{APP}client closed connection: BrokenPipeError: [Errno 32] Broken pipe",
    f"{APP}[ws] client #81 (10.0.0.9) has closed the connection: Error: read ECONNRESET",
    f"{APP}player 7 left: socket hang up",
    f"{APP}request aborted: ECONNRESET",
    f"{APP}BadRequestError: request aborted: read ECONNRESET",
    f"{APP}GET /wp-login.php 404",
    f"{APP}GET /wp-login.php HTTP/1.1 -> 404 in 3 ms",
    f"{APP}404 Not Found: GET /wp-login.php",
    f"{APP}Not Found: /wp-login.php",
    f"{APP}Method Not Allowed (PROPFIND): /",
    f"{APP}Invalid HTTP_HOST header: '10.0.0.1'. You may need to add '10.0.0.1' to ALLOWED_HOSTS.",
    f"{APP}Forbidden (CSRF token missing.): /checkout",
    f"{APP}Request method 'TRACE' is not supported",
    f"{APP}No static resource wp-login.php.",
    f"{APP}werkzeug.exceptions.NotFound: 404 Not Found: The requested URL was not found on the server.",
    'F, [2024-03-05T12:00:00.000000 #12] FATAL -- : ActionController::RoutingError (No route matches '
    '[GET] "/x"):',
    f"{APP}TypeError: Cannot read properties of undefined (reading 'price') "
    "at https://shop.example/static/app.3f.js:1:2345",
    f"{APP}ResizeObserver loop completed with undelivered notifications.",
    f"{APP}ChunkLoadError: Loading chunk 17 failed.",
    '{"level":"error","time":"2024-03-05T12:00:00Z","msg":"failed","status":404,"path":"/wp-login.php"}',
    '{"level":"error","time":"2024-03-05T12:00:00Z","msg":"request errored",'
    '"req":{"method":"GET","url":"/wp-login.php"},"res":{"statusCode":404}}',
]

OF_SERVICES = [
    f"{APP}client 10.0.0.9: Connection reset by peer",
    f"{APP}redis client disconnected: read ECONNRESET",
    f"{APP}http client: connection closed: Connection reset by peer",
    f"{APP}mqtt client orders disconnected: Connection reset by peer",
    f"{APP}client error: read ECONNRESET",
    f"{APP}request aborted by pay:8080: read ECONNRESET",
    f"{APP}request aborted: Error: aborted ECONNRESET "
    "at TLSSocket.socketCloseListener (node:_http_client:459:19)",
    f"{APP}redis client socket: read ECONNRESET",
    f"{APP}the http client socket failed: read ECONNRESET",
    f"{APP}client disconnected from upstream 10.0.0.9: Connection reset by peer",
    f"{APP}peer 203.0.113.9:443: Connection reset by peer",
    f"{APP}read tcp 10.0.0.1:43210->203.0.113.9:51322: read: connection reset by peer",
    f"{APP}https://pay.example/charge: Connection reset by peer, client 203.0.113.9",
    f"{APP}request to pay failed: connection reset by peer (client 203.0.113.9)",
    f"{NGINX}connect() failed (111: Connection refused) while connecting to upstream{ASKED}",
    f"{NGINX}SSL_do_handshake() failed (SSL: error) while SSL handshaking to upstream{ASKED}",
    f'{NGINX}open() "/var/www/x" failed (13: Permission denied){ASKED}',
    f'{NGINX}open() "/var/www/app.js" failed (2: No such file or directory){ASKED}, '
    'referrer: "https://shop.example/cart"',
    '2024/03/05 12:00:00 [emerg] 12#12: open() "/etc/nginx/mime.types" failed (2: No such file or directory)',
    f"{APP}POST /checkout 500",
    f"{APP}POST /checkout 401",
    f"{APP}GET /stock/7 from inventory failed: 404",
    f"{APP}GET http://inventory/stock/7 404",
    f"{APP}404 Client Error: Not Found for url: http://inventory/stock",
    f"{APP}upstream answered GET /stock with 404",
    f"{APP}openai.BadRequestError: Error code: 400 - invalid model",
    f"{APP}http.client.BadStatusLine: HTTP/1.1 4000",
    f"{APP}Template not found: /app/templates/cart.html",
    f"{APP}FileNotFoundError: [Errno 2] No such file or directory: '/etc/shop/key.pem'",
    f"{APP}file does not exist: /etc/shop.yml",
    f"{APP}order 404 not found in the warehouse",
    f"{APP}TypeError: Cannot read properties of undefined (reading 'price')\n    at /app/server.js:1:2345",
    f'{APP}relation "orders" does not exist',
    '{"level":"error","time":"2024-03-05T12:00:00Z","msg":"no user","status":404,"url":"http://users/7"}',
    '{"level":"error","time":"2024-03-05T12:00:00Z","msg":"no stock","status":404,"upstream":"inventory",'
    '"path":"/stock"}',
    '{"level":"error","time":"2024-03-05T12:00:00Z","msg":"failed","status":500,"path":"/checkout"}',
    '{"level":"error","time":"2024-03-05T12:00:00Z","msg":"failed","status":403,"path":"/checkout"}',
]


def read(line: str) -> Record:
    (record,) = arrived(line.split("\n"))
    assert record.level >= 40, "it would not count anyway"
    return record


@pytest.mark.parametrize("line", OF_CLIENTS)
def test_what_a_client_did_is_the_clients(line: str) -> None:
    assert asked_wrong(read(line))


@pytest.mark.parametrize("line", OF_SERVICES)
def test_what_may_be_the_services_own_is_not(line: str) -> None:
    assert not asked_wrong(read(line))


@pytest.mark.parametrize(("line", "found"), [
    (f"{NGINX}upstream timed out{ASKED}", "203.0.113.9"),
    (f"{APACHE}AH00124: Request exceeded the limit", "203.0.113.9"),
    ("[Tue Mar 05 12:00:00 2024] [error] [client 2001:db8::1:54321] broke", "2001:db8::1"),
    (f"{NGINX}upstream timed out, client: 10.0.0.7, server: shop", ""),
    ("[Tue Mar 05 12:00:00 2024] [error] [client 127.0.0.1:54321] broke", ""),
    (f"{APP}broke", ""),
])
def test_the_address_of_a_client_is_read_unless_all_stand_behind_it(line: str, found: str) -> None:
    assert address(read(line)) == found


def test_clients_are_counted_in_bounded_room_and_the_busiest_stays() -> None:
    clients: dict[str, int] = {}
    for n in range(500):
        clients = counted(clients, f"198.51.100.{n % 200}")
        clients = counted(clients, "203.0.113.9")
    assert len(clients) <= 8
    assert others(1000, clients) <= 650, "it had 500, and cannot lose more than a ninth of all"


def test_of_one_client_alone_what_names_nobody_is_taken_for_its_own_but_no_more_of_it() -> None:
    assert others(30, {"203.0.113.9": 15}) == 0
    assert others(60, {"203.0.113.9": 15}) == 30
    assert others(60, {"203.0.113.9": 15, "203.0.113.10": 15}) == 45
    assert others(60, {}) == 60
