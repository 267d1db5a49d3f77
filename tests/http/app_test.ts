import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AccountSnapshot, Snapshot } from "../../src/http/snapshot.ts";
import { another, appOf, BUILD, HEALTHY, NOW, only, SERVING } from "../support/bot/health.ts";
import { parsePrometheus } from "../support/bot/prometheus.ts";

const KEY = "k".repeat(64);
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const PATHS = [
  ...["/livez", "/readyz", "/healthz"].map((path) =>
    [path, /^application\/health\+json$/] as const
  ),
  ["/metrics", /^text\/plain; version=0\.0\.4/],
  ["/status", /json/],
] as const;

interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly given?: Parameters<typeof appOf>[0];
}

async function ask(path: string, { method = "GET", headers = bearer(KEY), given }: Ask = {}) {
  const faults: unknown[] = [];
  const app = appOf({ commandKey: KEY, faults, ...given });
  const response = await app(
    new Request(`http://localhost:8787${path}`, {
      method,
      headers: { host: "localhost:8787", ...headers },
    }),
  );
  return {
    status: response.status,
    headers: response.headers,
    text: await response.text(),
    faults,
  };
}

describe("[O1] createApp()", () => {
  for (const [path, type] of PATHS) {
    it(`answers ${path} uncached, with nothing for a page to load`, async () => {
      const { status, headers } = await ask(path);
      assert.equal(status, 200);
      assert.match(headers.get("content-type") ?? "", type);
      assert.equal(headers.get("cache-control"), "no-store");
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.match(headers.get("content-security-policy") ?? "", /frame-ancestors 'none'/);
      assert.equal(headers.get("access-control-allow-origin"), null);
    });

    it(`answers HEAD ${path} without a body`, async () => {
      const { status, text } = await ask(path, { method: "HEAD" });
      assert.equal(status, 200);
      assert.equal(text, "");
    });

    it(`[SEC-R31] does not answer ${path} for another host name`, async () => {
      const { status, text } = await ask(path, { headers: { host: "evil.example" } });
      assert.equal(status, 403);
      assert.doesNotMatch(text, /status|barnacle_/);
    });

    it(`changes nothing by POST ${path}`, async () => {
      const { status, headers } = await ask(path, { method: "POST" });
      assert.equal(status, 405);
      assert.equal(headers.get("allow"), "GET, HEAD");
    });
  }

  it("shows metrics in Prometheus's format", async () => {
    const { text } = await ask("/metrics");
    assert.equal(parsePrometheus(text).get("barnacle_up_ready")?.samples[0]?.value, 1);
  });

  it("reports its status: the snapshot, the checks, and the running version", async () => {
    const report = JSON.parse((await ask("/status")).text);
    assert.equal(report.status, "pass");
    assert.deepEqual(report.build, BUILD);
    assert.equal(report.at, NOW);
    assert.deepEqual(report.snapshot, HEALTHY);
    assert.equal(report.findings[0].id, "gateway:connection");
  });

  it("answers a configured host name", async () => {
    const headers = { host: "barnacle.home.arpa:8787" };
    const given = { http: { publicUrl: "https://barnacle.home.arpa/bot" } };
    assert.equal((await ask("/livez", { headers, given })).status, 200);
    assert.equal((await ask("/livez", { headers })).status, 403);
  });

  for (const path of ["/", "/livez/", "/healthz/x", "/.env", "/status/..%2fmetrics"]) {
    it(`has nothing at ${path}`, async () => assert.equal((await ask(path)).status, 404));
  }

  it("logs an internal error, and hides it from the client", async () => {
    const fault = new Error("canary");
    const given = { measure: () => Promise.reject(fault) };
    const { status, text, faults, headers } = await ask("/healthz", { given });
    assert.equal(status, 500);
    assert.doesNotMatch(text, /canary/);
    assert.deepEqual(faults, [fault]);
    assert.equal(headers.get("cache-control"), "no-store");
  });
});

type Connection = NonNullable<AccountSnapshot["connection"]>;
const lost = (state: Connection["state"], readyAt: number): Partial<Snapshot> =>
  only({ connection: { state, readyAt, isDown: false } });
const WRONG_CONFIG: Partial<Snapshot> = {
  config: { revision: "1", loadedAt: 0, since: NOW, problem: "config.jsonc:3:5 no such key" },
};

/** Asks as one who may see detail, unless told otherwise. */
async function health(path: string, change: Partial<Snapshot> = {}, showsDetail = true) {
  const given = { snapshot: () => ({ ...HEALTHY, ...change }) };
  const answer = await ask(path, { given, ...!showsDetail && { headers: {} } });
  return { ...answer, body: JSON.parse(answer.text) };
}

describe("[O1] createApp() and health", () => {
  const states: readonly [
    what: string,
    change: Partial<Snapshot>,
    statuses: [livez: number, readyz: number, healthz: number],
  ][] = [
    ["a bot at work", {}, [200, 200, 200]],
    ["Discord lost a moment ago", lost("resuming", NOW), [200, 503, 200]],
    ["Discord lost for good", lost("backoff", 0), [200, 503, 503]],
    ["the token refused", lost("fatal", NOW), [503, 503, 503]],
    ["a thread that is stuck", { gatewayTickAt: 0 }, [503, 200, 200]],
    ["[C9] a config on the disk that is wrong", WRONG_CONFIG, [200, 200, 200]],
    [
      "[C6] one account of two ended",
      { accounts: [{ ...SERVING, state: "ended", end: "…" }, another()] },
      [200, 200, 200],
    ],
  ];
  for (const [what, change, expected] of states) {
    it(`answers ${expected} to livez, readyz and healthz: ${what}`, async () => {
      const answers = await Promise.all(
        ["/livez", "/readyz", "/healthz"].map((path) => health(path, change)),
      );
      assert.deepEqual(answers.map(({ status }) => status), expected);
    });
  }

  it("names each reason for not being ready once", async () => {
    const { accounts } = only({ connection: { state: "resuming", readyAt: NOW, isDown: false } });
    const two = accounts?.flatMap((one) => [one, { ...one, id: "work" }]);
    const { body } = await health("/readyz", { phase: "starting", accounts: two ?? [] });
    assert.deepEqual(body, { status: "fail", failing: ["gateway:connection", "lifecycle:phase"] });
  });

  it("[C9] is ready and says `warn` where something is not as it should be, and what", async () => {
    assert.deepEqual((await health("/readyz")).body, { status: "pass", failing: [] });
    const { status, body } = await health("/readyz?verbose", {
      ...WRONG_CONFIG,
      outbox: { ...HEALTHY.outbox, uncertain: 2 },
    });
    assert.equal(status, 200);
    assert.equal(body.status, "warn");
    assert.deepEqual(body.failing, []);
    assert.deepEqual(body.degraded, ["config:current", "outbox:uncertain"]);
    assert.match(body.checks["config:current"][0].output, /config\.jsonc:3:5 no such key/);
    const brief = JSON.stringify((await health("/readyz?verbose", WRONG_CONFIG, false)).body);
    assert.doesNotMatch(brief, /no such key/);
  });

  it("groups its checks by name, as the format requires", async () => {
    const { body } = await health("/healthz", {
      accounts: [SERVING, another()],
      outbox: { ...HEALTHY.outbox, uncertain: 2 },
    });
    assert.equal(body.status, "warn");
    assert.equal(body.releaseId, "1.4.2");
    assert.deepEqual(
      body.checks["gateway:connection"].map((check: { componentId: string }) => check.componentId),
      ["default", "work"],
    );
    assert.deepEqual(body.checks["outbox:uncertain"], [
      { id: "outbox:uncertain", output: "2 messages", status: "warn" },
    ]);
  });

  it("[C7] reports disabled if no account is enabled", async () => {
    const { status, body } = await health(
      "/healthz",
      only({ state: "disabled", connection: undefined }),
    );
    assert.equal(status, 200);
    assert.equal(body.checks["account:disabled"][0].output, "disabled by the config");
  });
});
