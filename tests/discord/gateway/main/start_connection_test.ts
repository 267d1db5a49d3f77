import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type ConnectOptions,
  type ConnectPorts,
  createConnection,
} from "../../../../src/discord/gateway/main/connection.ts";
import { isTokenRefused, RestError } from "../../../../src/discord/rest/exchange/rest_error.ts";
import { locateGateway } from "../../../../src/flows/preflight/before_connecting.ts";
import { schedule } from "../../../../src/lib/clock.ts";
import { testAccount } from "../../../support/bot/test_account.ts";
import { ACCOUNT } from "../../../support/discord/builders.ts";
import { loadTestConfig } from "../../../support/config.ts";
import { recordingLog } from "../../../support/recording_log.ts";

/** A Discord that refuses to say where its gateway is. */
async function setUp(
  error: Error,
  stopping = new AbortController(),
  stored: ConnectOptions["stored"] = { shards: [] },
) {
  const { log, lines } = recordingLog();
  let asked = 0;
  let flagsRead = 0;
  const { account, store } = await testAccount();
  const gateway = { stopping: stopping.signal, now: () => 0, log };
  Object.assign(account, { ...gateway, schedule, stored });
  const readGatewayInfo = () => {
    asked++;
    return Promise.reject(error);
  };
  const ports: ConnectPorts = {
    ...gateway,
    ...{ readGatewayInfo, store: store.gateway },
    locate: () => locateGateway(account, readGatewayInfo),
    isTokenRefused,
    readApplication() {
      flagsRead++;
      stopping.abort(); // no thread is to be started here
      return Promise.reject(error);
    },
    proxyFor: () => undefined,
    presence: () => ({ status: "online" }),
    hold: { wrap: (call) => call, isHolding: false, release: () => {} },
  };
  const options = {
    accountId: ACCOUNT,
    gateway: (await loadTestConfig()).discord.gateway,
    token: "token",
    restUrl: "http://127.0.0.1:1/api/v10",
    userAgent: "test",
    isConnectionDebug: false,
    workerUrl: new URL("file:///no-worker-is-started.ts"),
    stored,
  };
  const connection = createConnection(options, ports);
  const failed: unknown[] = [];
  const none = () => assert.fail("nothing was found");
  connection.connect({
    ...{ onShards: none, onIntents: none, onBudget: none, onBatch: none, onDelay: none },
    ...{ onState: none, onBeat: none, onRefused: none, onFinal: none },
    onFailed: (thrown) => void failed.push(thrown),
  });
  connection.start(() => Promise.resolve(true));
  return { ended: connection.stop, failed, asked: () => asked, flagsRead: () => flagsRead, lines };
}

const ROUTE = "GET /gateway/bot";

describe("createConnection()", () => {
  it("[O7] gives up at once if Discord refuses the token", async () => {
    const refused = new RestError("failed", { kind: "unauthorized", route: ROUTE, status: 401 });
    const { ended, failed, asked } = await setUp(refused);
    await ended();
    assert.deepEqual([failed, asked()], [[refused], 1]);
  });

  it("[G12] stops waiting for a network when the process stops", async () => {
    const stopping = new AbortController();
    const offline = new RestError("failed", { kind: "unsent", route: ROUTE });
    const { ended, failed, asked, lines } = await setUp(offline, stopping);
    await new Promise((resolve) => setImmediate(resolve));
    stopping.abort();
    await ended();
    assert.deepEqual(failed, []);
    assert.equal(asked(), 1);
    assert.equal(lines.filter(({ level }) => level === "warn").length, 1);
  });

  it("[G12] sends no request once the process stops", async () => {
    const stopping = new AbortController();
    stopping.abort();
    const offline = new RestError("failed", { kind: "unsent", route: ROUTE });
    const { ended, failed, asked, lines } = await setUp(offline, stopping);
    await ended();
    assert.deepEqual(failed, []);
    assert.deepEqual([asked(), lines], [0, []]);
  });

  it("[G9] asks again for a missing intent, because the operator may have granted it", async () => {
    const limit = { total: 1_000, remaining: 1_000, resetAfterMs: 0, maxConcurrency: 1, readAt: 0 };
    const offline = new RestError("failed", { kind: "unsent", route: ROUTE });
    const { ended, failed, asked, flagsRead } = await setUp(offline, new AbortController(), {
      gateway: { url: "ws://127.0.0.1:9", at: 0 },
      limit: { ...limit, shards: 1 },
      flags: { bits: 0, at: 0 },
      shards: [],
    });
    await ended();
    assert.deepEqual(failed, []);
    assert.deepEqual([asked(), flagsRead()], [0, 1]);
  });
});
