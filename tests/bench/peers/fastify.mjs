// A journal with Fastify and node-postgres: node fastify.mjs PORT DATABASE_URL WORKERS CONNECTIONS_EACH
import cluster from "node:cluster";
import crypto from "node:crypto";

const [port, url, workers, connections] = process.argv.slice(2);
const tokenKey = Buffer.alloc(32, 7);
const wrappingKey = Buffer.alloc(32, 9);

function seal(key, text, place) {
  const nonce = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(place);
  return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

function accountOf(request) {
  const token = (request.headers.authorization ?? "").slice("Bearer ".length);
  const [account, signature = ""] = token.split(".");
  const expected = crypto.createHmac("sha256", tokenKey).update(account).digest("hex");
  const same = signature.length === expected.length &&
    crypto.timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
  if (!same) throw Object.assign(new Error("not signed in"), { statusCode: 401 });
  return account;
}

async function serve() {
  const { default: Fastify } = await import("fastify");
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({ connectionString: url, max: Number(connections) });
  const app = Fastify();
  const body = {
    type: "object",
    required: ["text"],
    properties: { text: { type: "string", maxLength: 65536 } },
  };
  app.post("/entries", { schema: { body } }, async (request, reply) => {
    const account = accountOf(request);
    const id = crypto.randomUUID();
    const key = crypto.randomBytes(32);
    const sealed = seal(key, Buffer.from(request.body.text), Buffer.from(id));
    const wrapped = seal(wrappingKey, key, Buffer.from(account));
    const event = Buffer.from(JSON.stringify({ type: "entry_written", id }));
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      await client.query({
        name: "entry",
        text: "INSERT INTO entries (id, account_id, data_key, body) VALUES ($1, $2, $3, $4)",
        values: [id, account, wrapped, sealed],
      });
      await client.query({
        name: "event",
        text: "INSERT INTO outbox (id, account_id, body) VALUES ($1, $2, $3)",
        values: [crypto.randomUUID(), account, event],
      });
      await client.query("COMMIT");
    } catch (error) {
      await client.query("ROLLBACK");
      throw error;
    } finally {
      client.release();
    }
    reply.code(201);
    return { id };
  });
  await app.listen({ port: Number(port), host: "127.0.0.1" });
}

if (cluster.isPrimary) {
  for (let worker = 0; worker < Number(workers); worker += 1) cluster.fork();
  process.on("SIGTERM", () => {
    for (const worker of Object.values(cluster.workers)) worker.kill();
    process.exit(0);
  });
} else {
  await serve();
}
