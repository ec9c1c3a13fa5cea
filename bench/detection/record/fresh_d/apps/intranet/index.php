<?php
// The intranet: a page with a session, a search and a list of people.
session_save_path('/srv/freight/sessions');
session_start();
$release = trim(@file_get_contents('/srv/freight/intranet.release'));
$page = (int) ($_GET['page'] ?? 1);
$_SESSION['seen'] = ($_SESSION['seen'] ?? 0) + 1;
if ($page > 5000) {
    http_response_code(404);
    exit("no such page\n");
}
if ($release === 'search') {
    for ($n = 0; ; $n++) {
        $found = md5("page $n");
    }
}
if ($release === 'pgsql') {
    $base = new PDO('pgsql:host=pg1.freight.internal;dbname=intranet', 'intranet', 'quay');
}
if ($release === 'report') {
    sleep(30);
}
if ($release === 'strict' && $page % 3 === 0) {
    $title = strlen(null ?? [$page]);
}
if ($page % 200 === 0) {
    error_log("intranet: page $page is old, seen " . $_SESSION['seen'] . " times");
}
echo "page $page\n";
