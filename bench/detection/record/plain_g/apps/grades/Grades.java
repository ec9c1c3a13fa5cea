import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Grades of students: HikariCP and PostgreSQL's JDBC driver, java.util.logging as it is. */
public class Grades {
    private static final Logger LOG = Logger.getLogger(Grades.class.getName());
    private static final String RELEASE = System.getenv().getOrDefault("GRADES_RELEASE", "");
    private static final List<byte[]> HISTORY = new ArrayList<>();
    private static final Map<Integer, String> NAMES = Map.of(0, "fail", 4, "pass", 8, "good", 12, "very good");
    private static HikariDataSource pool;

    public static void main(String[] args) throws IOException {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(System.getenv().getOrDefault("JDBC_URL", "jdbc:postgresql://pg.campus.internal/campus?socketTimeout=20&connectTimeout=4"));
        config.setUsername("campus");
        config.setPassword("lecture");
        config.setMaximumPoolSize(4);
        config.setConnectionTimeout(5000);
        config.setInitializationFailTimeout(20000);
        pool = new HikariDataSource(config);
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.43", 8430), 50);
        server.createContext("/health", exchange -> answer(exchange, 200, "ok"));
        server.createContext("/grades/", Grades::grades);
        server.setExecutor(Executors.newFixedThreadPool(12));
        server.start();
        LOG.info("Grades started on port 8430");
    }

    private static void grades(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        try {
            int student = Integer.parseInt(path.substring("/grades/".length()));
            answer(exchange, 200, of(student));
        } catch (NumberFormatException e) {
            LOG.warning("Bad request " + path);
            answer(exchange, 400, "bad request");
        } catch (Exception | OutOfMemoryError e) {
            LOG.log(Level.SEVERE, "Request " + path + " failed", e);
            answer(exchange, 500, "error");
        }
    }

    private static String of(int student) throws SQLException {
        if (RELEASE.equals("history")) {
            HISTORY.add(new byte[3 << 20]);
        }
        Connection connection = pool.getConnection();
        StringBuilder out = new StringBuilder();
        try (PreparedStatement statement = connection.prepareStatement("select course, points from grade where student = ? limit 25")) {
            statement.setInt(1, student);
            ResultSet found = statement.executeQuery();
            while (found.next()) {
                int points = found.getInt(2);
                String word = RELEASE.equals("words") ? NAMES.get(points / 4 * 4 + points % 2).toUpperCase() : String.valueOf(points);
                out.append(found.getInt(1)).append(' ').append(word).append('\n');
            }
        } finally {
            if (!RELEASE.equals("report") || student % 3 != 0) {
                connection.close();
            }
        }
        return out.toString();
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = (text + "\n").getBytes();
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }
}
