import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.*;
import java.util.logging.*;

/** A little Java service: `memory` leaks until the heap is gone, `threads` has more work than workers. */
public class Catalog {
    static final Logger LOG = Logger.getLogger("com.example.catalog.Catalog");

    public static void main(String[] args) throws Exception {
        System.setProperty("java.util.logging.SimpleFormatter.format",
            "%1$tY-%1$tm-%1$td %1$tH:%1$tM:%1$tS,%1$tL %4$s [main] %3$s - %5$s%6$s%n");
        FileHandler file = new FileHandler(args[1], true);
        file.setFormatter(new SimpleFormatter());
        LOG.setUseParentHandlers(false);
        LOG.addHandler(file);
        long normal = Long.parseLong(args[2]) * 1000, bad = Long.parseLong(args[3]) * 1000;
        if (args[0].equals("memory")) memory(normal, bad); else threads(normal, bad);
    }

    static void memory(long normal, long bad) throws Exception {
        List<byte[]> cache = new ArrayList<>();
        long begin = System.currentTimeMillis();
        for (int n = 0; System.currentTimeMillis() - begin < normal + bad; n++) {
            boolean leaking = System.currentTimeMillis() - begin > normal;
            try {
                for (int i = 0; leaking && i < 40; i++) cache.add(new byte[256 * 1024]);
                LOG.info("page " + n + " rendered, " + cache.size() + " entries cached");
                if (n % 30 == 29) LOG.warning("page " + n + " has no picture, using the default");
            } catch (Throwable problem) {
                for (int i = 0; i < 8 && !cache.isEmpty(); i++) cache.remove(cache.size() - 1);
                LOG.log(Level.SEVERE, "page " + n + " could not be rendered", problem);
            }
            Thread.sleep(400);
        }
        cache.clear();
        for (int n = 0; n < 60; n++) {
            LOG.info("page " + n + " rendered, " + cache.size() + " entries cached");
            Thread.sleep(400);
        }
    }

    static void threads(long normal, long bad) throws Exception {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(4, 4, 1, TimeUnit.MINUTES, new ArrayBlockingQueue<>(20));
        long begin = System.currentTimeMillis();
        for (int n = 0; System.currentTimeMillis() - begin < normal + bad + 25000; n++) {
            long age = System.currentTimeMillis() - begin;
            boolean loaded = age > normal && age < normal + bad;
            for (int i = 0; i < (loaded ? 12 : 1); i++) {
                final int number = n;
                try {
                    pool.execute(() -> {
                        long end = System.currentTimeMillis() + (loaded ? 900 : 20);
                        double sum = 0;
                        while (System.currentTimeMillis() < end) { sum += Math.sqrt(number + sum); if (loaded) Thread.yield(); }
                        LOG.info("search " + number + " answered");
                    });
                } catch (RejectedExecutionException problem) {
                    LOG.log(Level.SEVERE, "search " + number + " not accepted", problem);
                }
            }
            Thread.sleep(400);
        }
        pool.shutdownNow();
    }
}
