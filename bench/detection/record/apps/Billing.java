import com.sun.net.httpserver.HttpServer;
import com.zaxxer.hikari.*;
import java.net.InetSocketAddress;
import java.sql.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.logging.*;

/** Billing: gives invoice numbers out of PostgreSQL through HikariCP; java.util.logging with one line a record. */
public class Billing {
    static final Logger LOG = Logger.getLogger("shop.billing.Invoices");
    static final List<byte[]> KEPT = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        System.setProperty("java.util.logging.SimpleFormatter.format",
            "%1$tY-%1$tm-%1$td %1$tH:%1$tM:%1$tS.%1$tL %4$s [%3$s] %5$s%6$s%n");
        FileHandler file = new FileHandler("/srv/shop/log/billing.log", true);
        file.setFormatter(new SimpleFormatter());
        Logger root = Logger.getLogger("");
        for (Handler each : root.getHandlers()) root.removeHandler(each);
        root.addHandler(file);
        Thread.setDefaultUncaughtExceptionHandler((t, e) -> LOG.log(Level.SEVERE, "Uncaught exception in thread " + t.getName(), e));
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl("jdbc:postgresql://db.shop.internal:5432/shop?connectTimeout=3&socketTimeout=5");
        config.setUsername("shop");
        config.setPassword("secret");
        config.setMaximumPoolSize(Integer.getInteger("pool", 3));
        config.setConnectionTimeout(2000);
        config.setInitializationFailTimeout(-1);
        config.setPoolName("billing-pool");
        HikariDataSource pool = new HikariDataSource(config);
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.32", 8080), 20);
        server.createContext("/health", exchange -> { exchange.sendResponseHeaders(200, 3); exchange.getResponseBody().write("ok\n".getBytes()); exchange.close(); });
        server.createContext("/keep", exchange -> {
            int mb = Integer.parseInt(exchange.getRequestURI().getQuery().replaceAll("\\D", ""));
            try { for (int i = 0; i < mb; i++) KEPT.add(new byte[1 << 20]); }
            catch (OutOfMemoryError e) { LOG.log(Level.SEVERE, "report could not be kept", e); }
            exchange.sendResponseHeaders(200, 3); exchange.getResponseBody().write("ok\n".getBytes()); exchange.close();
        });
        server.createContext("/hold", exchange -> {
            int s = Integer.parseInt(exchange.getRequestURI().getQuery().replaceAll("\\D", ""));
            try (Connection c = pool.getConnection(); Statement st = c.createStatement()) { st.execute("select pg_sleep(" + s + ")"); }
            catch (SQLException e) { LOG.log(Level.SEVERE, "statement of accounts failed", e); }
            exchange.sendResponseHeaders(200, 3); exchange.getResponseBody().write("ok\n".getBytes()); exchange.close();
        });
        server.createContext("/invoice", exchange -> {
            String query = exchange.getRequestURI().getQuery();
            int status = 200; String body;
            try (Connection c = pool.getConnection(); Statement st = c.createStatement();
                 ResultSet rows = st.executeQuery("select nextval('invoices')")) {
                rows.next();
                body = "R" + rows.getLong(1) + "\n";
                LOG.info("invoice " + body.trim() + " for " + query);
            } catch (SQLException e) {
                LOG.log(Level.SEVERE, "no invoice number for " + query, e);
                status = 500; body = "failed\n";
            }
            exchange.sendResponseHeaders(status, body.length()); exchange.getResponseBody().write(body.getBytes()); exchange.close();
        });
        server.setExecutor(Executors.newFixedThreadPool(Integer.getInteger("threads", 8)));
        server.start();
        LOG.info("billing started on 127.0.0.32:8080");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> LOG.info("billing stops")));
        for (int n = 1; ; n++) {
            Thread.sleep(30000);
            LOG.info("daily closing " + n + " done, " + (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory() >> 20) + " MB in use");
            if (n % 8 == 0) LOG.warning("account " + n + " has no VAT number, invoice issued without");
        }
    }
}
