import java.util.*;
import java.util.concurrent.*;
import java.util.logging.*;

/** The ledger books entries in a pool of threads; java.util.logging as it is out of the box: two lines a record. */
public class Ledger {
    static final Logger LOG = Logger.getLogger("shop.ledger.Ledger");

    static int depth(int n) { return depth(n + 1) + 1; }

    public static void main(String[] args) throws Exception {
        long begin = System.currentTimeMillis(), quiet = Long.parseLong(args[1]) * 1000;
        ThreadPoolExecutor pool = new ThreadPoolExecutor(3, 3, 1, TimeUnit.MINUTES, new ArrayBlockingQueue<>(8));
        for (int n = 1; ; n++) {
            final int number = n;
            boolean wrong = System.currentTimeMillis() - begin > quiet;
            for (int i = 0; i < (wrong && args[0].equals("threads") ? 8 : 1); i++) {
                try {
                    pool.execute(() -> {
                        try {
                            if (wrong && args[0].equals("null")) { Map<String, String> rates = new HashMap<>(); LOG.info("rate " + rates.get("CHF").trim()); }
                            if (wrong && args[0].equals("stack")) depth(0);
                            Thread.sleep(wrong && args[0].equals("threads") ? 2500 : 30);
                            LOG.info("entry " + number + " booked");
                        } catch (Throwable problem) { LOG.log(Level.SEVERE, "entry " + number + " not booked", problem); }
                    });
                } catch (RejectedExecutionException problem) { LOG.log(Level.SEVERE, "entry " + number + " not accepted", problem); }
            }
            if (n % 70 == 69) LOG.warning("entry " + n + " has a date in the future, booked all the same");
            Thread.sleep(wrong && args[0].equals("null") ? 250 : 700);
        }
    }
}
