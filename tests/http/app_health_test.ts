import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AccountSnapshot, Snapshot } from "../../src/http/snapshot.ts";
import { another, appOf, HEALTHY, NOW, only, SERVING } from "../support/bot/health.ts";

type Connection = NonNullable<AccountSnapshot["connection"]>;
const lost = (state: Connection["state"], readyAt: number): Partial<Snapshot> =>
  only({ connection: { state, readyAt, isDown: false } });
const WRONG_CONFIG: Partial<Snapshot> = {
  config: { revision: "1", loadedAt: 0, since: NOW, problem: "config.jsonc:3:5 no such key" },
};

/** Asks as one who may see detail, unless told otherwise. */
async function ask(path: string, change: Partial<Snapshot> = {}, showsDetail = true) {
  const app = appOf({ snapshot: () => ({ ...HEALTHY, ...change }) });
  const headers = { host: "localhost", ...showsDetail && { authorization: "Bearer key" } };
  const response = await app(new Request(`http://localhost${path}`, { headers }));
  return { status: response.status, headers: response.headers, body: await response.json() };
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
        ["/livez", "/readyz", "/healthz"].map((path) => ask(path, change)),
      );
      assert.deepEqual(answers.map(({ status }) => status), expected);
    });
  }

  for (const path of ["/livez", "/readyz", "/healthz"]) {
    it(`answers ${path} in the format's type, never from a cache`, async () => {
      const { headers } = await ask(path);
      assert.equal(headers.get("content-type"), "application/health+json");
      assert.equal(headers.get("cache-control"), "no-store");
    });
  }

  it("names each reason for not being ready once", async () => {
    const { accounts } = only({ connection: { state: "resuming", readyAt: NOW, isDown: false } });
    const two = accounts?.flatMap((one) => [one, { ...one, id: "work" }]);
    const { body } = await ask("/readyz", { phase: "starting", accounts: two ?? [] });
    assert.deepEqual(body, { status: "fail", failing: ["gateway:connection", "lifecycle:phase"] });
  });

  it("[C9] is ready and says `warn` where something is not as it should be, and what", async () => {
    assert.deepEqual((await ask("/readyz")).body, { status: "pass", failing: [] });
    const { status, body } = await ask("/readyz?verbose", {
      ...WRONG_CONFIG,
      outbox: { ...HEALTHY.outbox, uncertain: 2 },
    });
    assert.equal(status, 200);
    assert.equal(body.status, "warn");
    assert.deepEqual(body.failing, []);
    assert.deepEqual(body.degraded, ["config:current", "outbox:uncertain"]);
    assert.match(body.checks["config:current"][0].output, /config\.jsonc:3:5 no such key/);
    const brief = JSON.stringify((await ask("/readyz?verbose", WRONG_CONFIG, false)).body);
    assert.doesNotMatch(brief, /no such key/);
  });

  it("groups its checks by name, as the format requires", async () => {
    const { body } = await ask("/healthz", {
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
    const { status, body } = await ask(
      "/healthz",
      only({ state: "disabled", connection: undefined }),
    );
    assert.equal(status, 200);
    assert.equal(body.checks["account:disabled"][0].output, "disabled by the config");
  });
});
