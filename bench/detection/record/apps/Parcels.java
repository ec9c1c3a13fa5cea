import java.net.URI;
import java.net.http.*;
import java.time.*;
import java.util.logging.*;

/** Asks a partner where the parcels are, each second. */
public class Parcels {
    public static void main(String[] args) throws Exception {
        System.setProperty("java.util.logging.SimpleFormatter.format",
            "%1$tY-%1$tm-%1$td %1$tH:%1$tM:%1$tS,%1$tL %4$s %3$s - %5$s%6$s%n");
        Logger log = Logger.getLogger("shop.parcels.Tracking");
        for (int n = 1; ; n++) {
            try {
                HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(3)).build();
                HttpResponse<String> answer = client.send(HttpRequest.newBuilder(URI.create(args[0])).timeout(Duration.ofSeconds(3)).build(), HttpResponse.BodyHandlers.ofString());
                log.info("parcel " + n + " is " + (answer.statusCode() == 200 ? "on its way" : "unknown"));
            } catch (Exception problem) {
                log.log(Level.SEVERE, "parcel " + n + " could not be tracked", problem);
            }
            Thread.sleep(1000);
        }
    }
}
