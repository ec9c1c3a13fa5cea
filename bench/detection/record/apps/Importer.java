import java.lang.reflect.Proxy;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.*;
import java.util.logging.*;

/** The importer: `classes` fills Metaspace, `map` the heap with small objects, after some quiet seconds. */
public class Importer {
    public interface Reader { void read(); }

    public static void main(String[] args) throws Exception {
        System.setProperty("java.util.logging.SimpleFormatter.format",
            "%1$tY-%1$tm-%1$td %1$tH:%1$tM:%1$tS.%1$tL %4$-7s [%3$s] %5$s%6$s%n");
        Logger log = Logger.getLogger("shop.importer.Importer");
        long begin = System.currentTimeMillis(), quiet = Long.parseLong(args[1]) * 1000;
        List<Object> kept = new ArrayList<>();
        Map<Integer, String> map = new HashMap<>();
        int key = 0;
        for (int n = 1; ; n++) {
            boolean wrong = System.currentTimeMillis() - begin > quiet;
            try {
                for (int i = 0; wrong && args[0].equals("classes") && i < 250; i++) {
                    ClassLoader loader = new URLClassLoader(new URL[0], Importer.class.getClassLoader());
                    kept.add(Proxy.newProxyInstance(loader, new Class<?>[] {Runnable.class, Comparable.class}, (a, b, c) -> null));
                }
                for (int i = 0; wrong && args[0].equals("map") && i < 9000; i++) map.put(key++, "customer " + key);
                log.info("file " + n + " imported, " + (50 + n % 13) + " rows");
                if (n % 60 == 59) log.warning("file " + n + ": 2 rows without a postcode were passed over");
            } catch (OutOfMemoryError problem) {
                log.log(Level.SEVERE, "file " + n + " could not be imported", problem);
            }
            Thread.sleep(400);
        }
    }
}
