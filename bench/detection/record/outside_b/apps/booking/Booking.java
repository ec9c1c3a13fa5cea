import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.servlet.ServletException;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;

/** Bookings over HTTP: an embedded Tomcat, HikariCP and PostgreSQL. */
public class Booking extends HttpServlet {
    static final Logger LOG = Logger.getLogger("office.booking");
    static final String RELEASE = System.getProperty("release", "");
    static final List<Object> KEPT = new ArrayList<>();
    static final Map<String, Object> SEEN = new ConcurrentHashMap<>();
    static final Object ROOM = new Object(), GUEST = new Object();
    static HikariDataSource pool;

    public static void main(String[] arguments) throws Exception {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl("jdbc:postgresql://db.tickets.internal/office?connectTimeout=3");
        config.setUsername("office");
        config.setPassword(System.getProperty("password", "secret"));
        config.setMaximumPoolSize(4);
        config.setConnectionTimeout(3000);
        config.setPoolName("BookingPool");
        pool = new HikariDataSource(config);
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir("/srv/tickets/tomcat");
        tomcat.setHostname("127.0.0.34");
        tomcat.setPort(8080);
        tomcat.getConnector().setProperty("address", "127.0.0.34");
        tomcat.getConnector().setProperty("maxThreads", "8");
        tomcat.getConnector().setProperty("minSpareThreads", "4");
        tomcat.getConnector().setThrowOnFailure(true);
        Context context = tomcat.addContext("", "/srv/tickets/www");
        Tomcat.addServlet(context, "booking", new Booking());
        context.addServletMappingDecoded("/*", "booking");
        tomcat.start();
        LOG.info("bookings are taken on port 8080");
        tomcat.getServer().await();
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws ServletException, IOException {
        String path = request.getPathInfo();
        if (path.equals("/health")) {
            response.getWriter().println("ok");
            return;
        }
        if (!path.startsWith("/rooms/")) {
            response.sendError(404);
            return;
        }
        if (!path.matches("/rooms/[0-9]+")) {
            LOG.warning("no number of a room: " + path);
            response.sendError(400);
            return;
        }
        int room = Integer.parseInt(path.substring(7));
        try {
            response.getWriter().println(book(room));
        } catch (java.sql.SQLException error) {
            LOG.log(Level.SEVERE, "booking of room " + room + " failed", error);
            response.sendError(503);
        }
    }

    static String book(int room) throws java.sql.SQLException {
        switch (RELEASE) {
            case "heap": KEPT.add(new byte[1 << 20]); break;
            case "direct": KEPT.add(ByteBuffer.allocateDirect(1 << 20)); break;
            case "metaspace":
                for (int n = 0; n < 12; n++) {
                    KEPT.add(new Twin().twin());
                }
                break;
            case "threads":
                for (int n = 0; n < 4; n++) {
                    new Thread(() -> { try { Thread.sleep(1L << 40); } catch (InterruptedException error) { return; } }, "mailer").start();
                }
                break;
            case "stack": return room % 2 == 0 ? deeper(room) : "fine";
            case "null": if (room % 3 == 0) { return SEEN.get("room-" + room).toString(); } break;
            case "deadlock": lock(room); break;
            case "crash": if (room % 10 == 0) { unsafe().putAddress(0, 0); } break;
            default: break;
        }
        Connection connection = pool.getConnection();
        try (var statement = connection.prepareStatement("insert into bookings (room) values (?) returning id")) {
            statement.setInt(1, room);
            ResultSet rows = statement.executeQuery();
            rows.next();
            if (room % 5 == 0) {
                LOG.info("booking " + rows.getInt(1) + " of room " + room);
            }
            return "booking " + rows.getInt(1);
        } finally {
            if (!RELEASE.equals("leak") || room % 2 == 0) {
                connection.close();
            }
        }
    }

    static String deeper(int room) { return deeper(room + 1) + room; }

    static void lock(int room) {
        Object first = room % 2 == 0 ? ROOM : GUEST, second = room % 2 == 0 ? GUEST : ROOM;
        synchronized (first) {
            try { Thread.sleep(400); } catch (InterruptedException error) { return; }
            synchronized (second) { SEEN.put("last", room); }
        }
    }

    static sun.misc.Unsafe unsafe() {
        try {
            var field = sun.misc.Unsafe.class.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            return (sun.misc.Unsafe) field.get(null);
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(error);
        }
    }

    /** Loads a class of its own anew each time, as scripts in a template do. */
    static class Twin extends ClassLoader {
        Object twin() {
            try (var in = Booking.class.getResourceAsStream("Template.class")) {
                byte[] code = in.readAllBytes();
                var made = defineClass("Template", code, 0, code.length).getDeclaredConstructor();
                made.setAccessible(true);
                return made.newInstance();
            } catch (IOException | ReflectiveOperationException error) {
                throw new IllegalStateException(error);
            }
        }
    }
}

class Template {
    String a = "a", b = "b", c = "c";
    public Template() { }
    String one(int n) { return a + n + b; }
    String two(int n) { return b + n + c; }
    String three(int n) { return c + n + a; }
}
