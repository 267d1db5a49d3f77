import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { appOf, BUILD, HEALTHY, NOW } from "../support/bot/health.ts";
import { parsePrometheus } from "../support/bot/prometheus.ts";

const KEY = "k".repeat(64);
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const PATHS = ["/livez", "/readyz", "/healthz", "/metrics", "/status"];

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
  for (const path of PATHS) {
    it(`answers ${path} uncached, with nothing for a page to load`, async () => {
      const { status, headers } = await ask(path);
      assert.equal(status, 200);
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
    const { headers, text } = await ask("/metrics");
    assert.match(headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
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
