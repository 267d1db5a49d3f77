import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RestErrorKind } from "../../../../src/discord/rest/exchange/rest_error.ts";
import { retryWaitMs } from "../../../../src/discord/rest/client/client.ts";
import type { Priority } from "../../../../src/discord/rest/scheduler/global_limit.ts";

const RULES = { attempts: 3, minDelayMs: 500, maxDelayMs: 30_000, jitter: 0.1 };

describe("[D5] retryWaitMs()", () => {
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
    ["429 without a duration", "DELETE", "reply", "rate_limited", 429, 1, 0],
    [
      "429 without a duration, at the last attempt",
      "DELETE",
      "reply",
      "rate_limited",
      429,
      3,
      undefined,
    ],
    ["the page of a firewall", "GET", "reply", "rate_limited", 403, 1, undefined],
    ["a refusal", "GET", "reply", "forbidden", 403, 1, undefined],
    ["a redirect", "GET", "reply", "unavailable", 302, 1, undefined],
    ["a token that is valid after all", "GET", "reply", "unavailable", 401, 1, undefined],
    ["a create without a response", "POST", "reply", "unavailable", undefined, 1, undefined],
    [
      "a create that was never sent",
      "POST",
      "reply",
      "unsent",
      undefined,
      1,
      undefined,
    ],
    ["a create that was rate-limited", "POST", "reply", "rate_limited", 429, 1, undefined],
    ["a spare request", "PUT", "spare", "unavailable", undefined, 1, undefined],
    ["a spare request that was rate-limited", "PUT", "spare", "rate_limited", 429, 1, undefined],
  ];
  for (const [name, method, priority, kind, status, failures, waitMs] of rows) {
    it(`${waitMs === undefined ? "does not retry" : `retries after ${waitMs} ms`}: ${name}`, () => {
      const error = { kind, ...(status !== undefined && { status }) };
      assert.equal(retryWaitMs({ method, priority, error, failures }, RULES, 0.5), waitMs);
    });
  }
});
