// Baskets of a shop, in a Redis that three Sentinels watch over.
const http = require("http");
const Redis = require("ioredis");
const log = require("pino")({ name: "basket", timestamp: require("pino").stdTimeFunctions.isoTime });

const redis = new Redis({
  sentinels: ["127.0.3.21", "127.0.3.22", "127.0.3.23"].map((host) => ({ host, port: 26379 })),
  name: "baskets",
  password: process.env.REDIS_PASSWORD || "wicker",
  maxRetriesPerRequest: 2,
  commandTimeout: 3000,
  connectTimeout: 3000,
  sentinelRetryStrategy: (times) => Math.min(times * 200, 2000),
});
let told = 0;
redis.on("error", (error) => {
  if (Date.now() - told > 3000) {
    told = Date.now();
    log.error({ err: error }, "redis connection trouble");
  }
});
redis.on("ready", () => log.info("redis is ready"));
redis.on("+switch-master", () => log.warn("master of baskets has moved"));

http
  .createServer(async (req, res) => {
    const began = Date.now();
    const customer = new URL(req.url, "http://x").searchParams.get("customer") || "0";
    let status = 200;
    try {
      if (req.method === "POST") {
        await redis.multi().hincrby(`basket:${customer}`, "items", 1).expire(`basket:${customer}`, 600).exec().then((all) => {
          const bad = all.find(([error]) => error);
          if (bad) throw bad[0];
        });
      } else {
        await redis.hgetall(`basket:${customer}`);
      }
    } catch (error) {
      status = 503;
      log.error({ err: error, customer, method: req.method }, "basket is not available");
    }
    res.writeHead(status).end(status === 200 ? "ok" : "try later");
    log.info({ method: req.method, url: req.url, status, ms: Date.now() - began }, "request");
  })
  .listen(8100, "127.0.3.21", () => log.info("basket listens on 8100"));
process.on("SIGTERM", () => {
  log.info("basket stops");
  process.exit(0);
});
