import assert from "node:assert/strict";
import fc from "fast-check";
import { createRestManager } from "@discordeno/rest";
import { describe, it } from "node:test";
import {
  type Attempt,
  createRequestAttempts,
  type OutgoingRequest,
  type RequestMetric,
  requestWaitMs,
} from "../../../../src/discord/rest/client/client.ts";
import type { RestErrorKind } from "../../../../src/discord/rest/exchange/exchange.ts";
import { jsonOf, routeOf } from "../../../../src/discord/rest/exchange/exchange.ts";
import {
  createInvalidRequests,
  type Priority,
} from "../../../../src/discord/rest/scheduler/rate_limiter.ts";
import { schedule } from "../../../../src/lib/clock.ts";
import { freePermit } from "../free_permit.ts";
import { TOKEN } from "../stub_discord.ts";

const RULES = { attempts: 3, minDelayMs: 500, maxDelayMs: 30_000, jitter: 0.1 };

const rows: readonly [
  name: string,
  method: string,
  priority: Priority,
  kind: RestErrorKind,
  status: number | undefined,
  failures: number,
  waitMs: number | undefined,
][] = [
  ["no response", "GET", "reply", "unavailable", undefined, 1, 500],
  ["no response, again", "GET", "reply", "unavailable", undefined, 2, 1_000],
  ["no response, at the last attempt", "GET", "reply", "unavailable", undefined, 3, undefined],
  ["no connection", "PATCH", "reply", "unsent", undefined, 1, 500],
  ["502", "PUT", "background", "unavailable", 502, 1, 500],
  ["503 to an interaction's edit", "PATCH", "interaction", "unavailable", 503, 1, 500],
  ["a body that is no JSON", "GET", "reply", "unavailable", 200, 1, 500],
  ["429 without a duration", "DELETE", "reply", "rate_limited", 429, 1, 500],
  ["429 without a duration, again", "DELETE", "reply", "rate_limited", 429, 2, 1_000],
  ["429 without a duration at last", "DELETE", "reply", "rate_limited", 429, 3, undefined],
  ["the page of a firewall", "GET", "reply", "rate_limited", 403, 1, undefined],
  ["a refusal", "GET", "reply", "forbidden", 403, 1, undefined],
  ["a redirect", "GET", "reply", "unavailable", 302, 1, undefined],
  ["a token that is valid after all", "GET", "reply", "unavailable", 401, 1, undefined],
  ["a create without a response", "POST", "reply", "unavailable", undefined, 1, undefined],
  ["a create that was never sent", "POST", "reply", "unsent", undefined, 1, undefined],
  ["a create that was rate-limited", "POST", "reply", "rate_limited", 429, 1, undefined],
  ["a spare request", "PUT", "spare", "unavailable", undefined, 1, undefined],
  ["a spare request that was rate-limited", "PUT", "spare", "rate_limited", 429, 1, undefined],
];
for (const [name, method, priority, kind, status, failures, waitMs] of rows) {
  it(`[D5] requestWaitMs() › ${waitMs === undefined ? "does not retry" : `retries after ${waitMs} ms`}: ${name}`, () => {
    const error = { kind, ...(status !== undefined && { status }) };
    assert.equal(requestWaitMs({ method, priority, error, failures }, RULES, 0.5), waitMs);
  });
}

const DISCORDS_401 = { message: "401: Unauthorized", code: 0 };

/** The response of a body; a text is sent as it is. */
function answer(status: number, body: unknown): Response {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new Response(status === 204 ? null : text, { status });
}

/** Attempts whose requests get these responses. */
function open(...answers: readonly (Response | Error)[]) {
  const left = [...answers];
  const asked: (readonly [url: string, init: RequestInit])[] = [];
  const metrics: RequestMetric[] = [];
  const noted: number[] = [];
  const attempts = createRequestAttempts(
    {
      token: TOKEN,
      apiUrl: "http://discord.test/api",
      timeoutMs: 1_000,
      ...{ version: "1", globalPerSec: 50, unusedPerSec: 2, retry: RULES, random: () => 0.5 },
      invalidRequests: createInvalidRequests(),
      now: () => 0,
      steadyNow: () => 0,
      schedule,
      onRequest: (metric) => metrics.push(metric),
      fetch(url, init) {
        asked.push([url, init]);
        const next = left.shift();
        return next instanceof Error || !next ? Promise.reject(next) : Promise.resolve(next);
      },
    },
    (status) => void noted.push(status),
    "DiscordBot (x, 1)",
  );
  const once = (path = "/users/@me", fields: Partial<OutgoingRequest> = {}) =>
    attempts.once(freePermit(), { route: routeOf("GET", path), path, ...fields });
  return { attempts, asked, metrics, noted, once };
}

describe("[D6] createRequestAttempts() sends", () => {
  it("the token and the User-Agent to Discord's address, and reads the response", async () => {
    const { asked, once } = open(answer(200, { url: "x" }));
    assert.deepEqual(await once("/gateway/bot"), { kind: "done", body: { url: "x" } });
    const [[url, { headers, method }] = ["", {}]] = asked;
    assert.equal(url, "http://discord.test/api/v10/gateway/bot");
    assert.deepEqual([method, Object.fromEntries(new Headers(headers))], ["GET", {
      "accept-encoding": "identity",
      "authorization": `Bot ${TOKEN}`,
      "user-agent": "DiscordBot (x, 1)",
    }]);
  });

  it("each request without compression, and only its own type and audit log reason", async () => {
    const { asked, once } = open(answer(204, ""), answer(204, ""));
    await once("/channels/1", { body: { name: "krill" }, reason: "asked by Ada ✓" });
    await once("/channels/1", { body: new FormData() });
    const sent = asked.map(([, { headers }]) => new Headers(headers));
    assert.deepEqual(sent.map((headers) => headers.get("content-type")), [
      "application/json",
      null,
    ]);
    assert.deepEqual(sent.map((headers) => headers.get("accept-encoding")), [
      "identity",
      "identity",
    ]);
    assert.deepEqual(sent.map((headers) => headers.get("x-audit-log-reason")), [
      "asked%20by%20Ada%20%E2%9C%93",
      null,
    ]);
  });
});

describe("[D5] createRequestAttempts()", () => {
  const outcomes: readonly [string, Response | Error, Attempt["kind"], RestErrorKind?][] = [
    ["a success", answer(200, {}), "done"],
    ["an empty success", answer(204, ""), "done"],
    ["a success that is a proxy's page", answer(200, "<html>"), "failed", "unavailable"],
    ["a redirect", answer(302, ""), "failed", "unavailable"],
    ["a missing permission", answer(403, { code: 50013, message: "No" }), "failed", "forbidden"],
    ["the 403 of a proxy", answer(403, "<html>"), "failed", "rate_limited"],
    ["a rate limit with a duration", answer(429, { retry_after: 0.25 }), "limited", "rate_limited"],
    ["a rate limit without a duration", answer(429, {}), "failed", "rate_limited"],
    ["an unknown token", answer(401, DISCORDS_401), "token", "unauthorized"],
    ["the 401 of a proxy", answer(401, "<html>"), "failed", "rate_limited"],
    ["Discord's failure", answer(500, {}), "failed", "unavailable"],
    ["a proxy's failure", answer(502, "<html>"), "failed", "unavailable"],
    ["no answer", new TypeError("the connection broke"), "failed", "unavailable"],
  ];
  for (const [what, given, kind, why] of outcomes) {
    it(`calls ${what} "${kind}"`, async () => {
      const attempt = await open(given).once();
      assert.equal(attempt.kind, kind);
      assert.equal("error" in attempt ? attempt.error.kind : undefined, why);
    });
  }

  it("has worked once Discord has accepted the bot's own token", async () => {
    const { attempts, once } = open(answer(200, {}), answer(200, {}));
    await once("/webhooks/5/s3cret/messages/@original");
    assert.equal(attempts.hasWorked, false);
    await once();
    assert.equal(attempts.hasWorked, true);
  });

  it("does not treat the 401 of a webhook's token as the bot's", async () => {
    assert.equal((await open(answer(401, DISCORDS_401)).once("/webhooks/5/s3cret")).kind, "failed");
  });

  it("asks Discord whether the token is valid, and counts the response", async () => {
    const { attempts, noted } = open(answer(401, DISCORDS_401), answer(500, {}));
    assert.equal(await attempts.isTokenValid(freePermit()), false);
    assert.equal(await attempts.isTokenValid(freePermit()), true);
    assert.deepEqual(noted, [401, 500]);
  });
});

describe("[D2] bodyOf()", () => {
  const discordeno = createRestManager({ token: "t", applicationId: "0" });

  it("writes every object as Discordeno does", () => {
    const name = fc.stringMatching(/^[a-z][a-zA-Z_]{0,8}$/);
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: "binary" }),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.constant(undefined),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(name, tie("tree"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(fc.property(fc.dictionary(name, tree), fc.bigInt(), (fields, large) => {
      const body = { ...fields, guildId: large };
      assert.equal(jsonOf(body), discordeno.createRequestBody("POST", { body }).body);
    }));
  });
});
