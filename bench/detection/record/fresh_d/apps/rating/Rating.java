import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Prices of freight over HTTP. */
public class Rating {
    static final Logger LOG = Logger.getLogger("com.freight.rating");
    static final String RELEASE = System.getProperty("release", "");
    static final List<long[]> KEPT = new ArrayList<>();
    static final ThreadPoolExecutor POOL = new ThreadPoolExecutor(4, 4, 1, TimeUnit.MINUTES, new ArrayBlockingQueue<>(6));
    static HttpClient carrier;

    static class Settings {
        static final Properties ALL = new Properties();
        static final int MARGIN;

        static {
            try (InputStream in = Files.newInputStream(Path.of("/srv/freight/rating.properties"))) {
                ALL.load(in);
            } catch (IOException error) {
                throw new IllegalStateException("settings cannot be read", error);
            }
            MARGIN = Integer.parseInt(ALL.getProperty("margin.percent"));
        }
    }

    static HttpClient client() throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream in = Files.newInputStream(Path.of("/srv/freight/tls/ca.pem"))) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return HttpClient.newBuilder().sslContext(context).build();
    }

    static String rate(int number) {
        if (RELEASE.equals("history")) {
            KEPT.add(new long[120_000]);
        }
        if (RELEASE.equals("zones") && number % 3 == 0) {
            throw new ArrayIndexOutOfBoundsException("zone " + (number % 7 + 9) + " of 8");
        }
        return "{\"price\":" + Tariffs.of(number) * (100 + Settings.MARGIN) / 100 + "}";
    }

    static String surcharge(int number) throws Exception {
        HttpRequest ask = HttpRequest.newBuilder(URI.create("https://api.carrier.example/v2/surcharge/" + number)).build();
        HttpResponse<String> told = carrier.send(ask, HttpResponse.BodyHandlers.ofString());
        if (told.statusCode() != 200) {
            throw new IOException("carrier answered " + told.statusCode() + " " + told.body());
        }
        return told.body();
    }

    static void handle(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        int status = 200;
        String text;
        try {
            if (path.equals("/health")) {
                text = "ok";
            } else {
                int number = Integer.parseInt(path.substring(path.lastIndexOf('/') + 1));
                Callable<String> task = path.startsWith("/surcharge") ? () -> surcharge(number) : () -> rate(number);
                text = POOL.submit(task).get();
                LOG.info("priced " + path);
            }
        } catch (NumberFormatException error) {
            LOG.warning("not a number: " + path);
            status = 400;
            text = "{\"error\":\"number\"}";
        } catch (Throwable error) {
            LOG.log(Level.SEVERE, "request failed: " + path, error);
            status = 500;
            text = "{\"error\":\"internal\"}";
        }
        byte[] out = text.getBytes("UTF-8");
        exchange.sendResponseHeaders(status, out.length);
        exchange.getResponseBody().write(out);
        exchange.close();
    }

    public static void main(String[] args) throws Exception {
        carrier = client();
        LOG.info("margin is " + Settings.MARGIN + " percent");
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.51", 8700), 50);
        server.createContext("/", Rating::handle);
        server.setExecutor(Executors.newCachedThreadPool());
        server.start();
        LOG.info("rating " + (RELEASE.isEmpty() ? "6.1.0" : RELEASE) + " listens on 8700");
    }
}

class Tariffs {
    static long of(int number) {
        return number % 97 * 13 + 200;
    }
}
