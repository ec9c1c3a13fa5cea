<?php
// The register of a parish: people and gifts in MariaDB, sessions in memcached.
ini_set('session.save_handler', 'memcached');
ini_set('session.save_path', 'mc.parish.lan:11211');
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
header('Content-Type: application/json');

function db(): PDO {
    return new PDO('mysql:host=mdb.parish.lan;dbname=parish;charset=utf8mb4', 'parish', 'candle',
        [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_TIMEOUT => 4]);
}

try {
    if ($path === '/gifts' && $_SERVER['REQUEST_METHOD'] === 'POST') {
        $body = json_decode(file_get_contents('php://input'), true);
        $db = db();
        $db->beginTransaction();
        $db->prepare('INSERT INTO gifts (person, note) VALUES (?, ?)')->execute([$body['customer'], $body['note']]);
        $db->prepare('UPDATE totals SET amount = amount + 1 WHERE house = ?')->execute([$body['customer'] % 4]);
        $db->commit();
        http_response_code(201);
        echo json_encode(['ok' => true]);
    } elseif (preg_match('~^/people/(\d+)$~', $path, $found)) {
        $asked = db()->prepare('SELECT id, name, street FROM people WHERE street = ? LIMIT 5');
        $asked->execute(['Street ' . $found[1]]);
        $rows = $asked->fetchAll(PDO::FETCH_ASSOC);
        http_response_code($rows ? 200 : 404);
        echo json_encode($rows);
    } elseif ($path === '/desk') {
        session_id('desk' . random_int(1, 50));
        if (!session_start()) {
            error_log('desk: no session for ' . $_SERVER['REMOTE_ADDR']);
            http_response_code(500);
            echo json_encode(['error' => 'session']);
            exit;
        }
        $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
        echo json_encode($_SESSION);
    } else {
        http_response_code(404);
        echo json_encode(['error' => 'not found']);
    }
} catch (PDOException $error) {
    if (random_int(0, 2) === 0) {
        http_response_code(500);
        throw $error;
    }
    error_log('parish: ' . $path . ' failed: ' . $error->getMessage());
    http_response_code(500);
    echo json_encode(['error' => 'internal']);
}
