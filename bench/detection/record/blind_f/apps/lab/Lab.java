import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import javax.servlet.ServletException;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.server.ServerConnector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Values of the laboratory: an embedded Jetty with Logback and HikariCP. */
public class Lab {
    static final Logger LOG = LoggerFactory.getLogger("clinic.lab.Values");
    static final String RELEASE = System.getenv().getOrDefault("LAB_RELEASE", "");
    static final List<byte[]> SEEN = new ArrayList<>();
    static final List<Integer> LAST = new ArrayList<>();
    static HikariDataSource pool;

    static class Values extends HttpServlet {
        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws ServletException, IOException {
            int patient = Integer.parseInt(request.getPathInfo().substring(1));
            if (RELEASE.equals("trend")) {
                SEEN.add(new byte[2_000_000]);
            }
            int count = 0;
            try (Connection base = pool.getConnection();
                 PreparedStatement asked = base.prepareStatement("select value from result where patient = ?")) {
                asked.setInt(1, patient);
                ResultSet rows = asked.executeQuery();
                while (rows.next()) {
                    count++;
                }
            } catch (java.sql.SQLException failed) {
                LOG.error("values of patient {} cannot be read", patient, failed);
                response.sendError(503);
                return;
            }
            if (RELEASE.equals("recent")) {
                for (Integer each : LAST) {
                    if (each != patient) {
                        LAST.remove(each);
                    }
                }
                LAST.add(patient);
                LAST.add(patient + 1);
            }
            if (RELEASE.equals("export")) {
                Files.writeString(Path.of("/srv/clinic/exports/" + patient + ".csv"), "patient;" + count + "\n");
            }
            LOG.debug("patient {} has {} values", patient, count);
            response.getWriter().println("{\"patient\": " + patient + ", \"values\": " + count + "}");
        }
    }

    public static void main(String[] argv) throws Exception {
        LOG.info("the laboratory's values start");
        HikariConfig settings = new HikariConfig();
        settings.setJdbcUrl("jdbc:postgresql://db1.clinic.internal/clinic?ApplicationName=lab");
        settings.setUsername("clinic");
        settings.setPassword("camomile");
        settings.setMaximumPoolSize(3);
        settings.setConnectionTimeout(4000);
        settings.setInitializationFailTimeout(-1);
        pool = new HikariDataSource(settings);
        QueuedThreadPool threads = new QueuedThreadPool(12, 4);
        Server server = new Server(threads);
        ServerConnector connector = new ServerConnector(server, 1, 1);
        connector.setHost("127.0.0.41");
        connector.setPort(8400);
        server.addConnector(connector);
        ServletContextHandler handler = new ServletContextHandler();
        handler.addServlet(new ServletHolder(new Values()), "/lab/*");
        server.setHandler(handler);
        server.start();
        LOG.info("the laboratory's values are ready");
        server.join();
    }
}
