<?php
function page(int $n): string
{
    $rows = [];
    for ($i = 0; $i < 200; $i++) {
        $rows[] = "line $i of page $n";
    }
    usleep(20000);
    return implode("\n", $rows);
}
$n = (int) ($_GET['page'] ?? 1);
if ($n > 900) {
    http_response_code(404);
    exit('no such page');
}
if ($n % 40 == 0) {
    error_log("page $n has no translation, shown in English");
}
header('Content-Type: text/plain');
echo substr(page($n), 0, 400);
