import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RestErrorKind } from "../../../../src/discord/rest/exchange/rest_error.ts";
import { retryWaitMs } from "../../../../src/discord/rest/client/retry.ts";
import type { Priority } from "../../../../src/discord/rest/scheduler/pace.ts";

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
    ["no answer", "GET", "reply", "unavailable", undefined, 1, 500],
    ["no answer, again", "GET", "reply", "unavailable", undefined, 2, 1_000],
    ["no answer, for the last time", "GET", "reply", "unavailable", undefined, 3, undefined],
    ["no connection", "PATCH", "reply", "unsent", undefined, 1, 500],
    ["502", "PUT", "background", "unavailable", 502, 1, 500],
    ["503 to an interaction's edit", "PATCH", "interaction", "unavailable", 503, 1, 500],
    ["a body that is no JSON", "GET", "reply", "unavailable", 200, 1, 500],
    ["429 without a time", "DELETE", "reply", "rate_limited", 429, 1, 0],
    ["429 without a time, for the last time", "DELETE", "reply", "rate_limited", 429, 3, undefined],
    ["a page of a wall", "GET", "reply", "rate_limited", 403, 1, undefined],
    ["a refusal", "GET", "reply", "forbidden", 403, 1, undefined],
    ["a redirect", "GET", "reply", "unavailable", 302, 1, undefined],
    ["a token that is good after all", "GET", "reply", "unavailable", 401, 1, undefined],
    ["what creates something", "POST", "reply", "unavailable", undefined, 1, undefined],
    [
      "what creates something, and was never sent",
      "POST",
      "reply",
      "unsent",
      undefined,
      1,
      undefined,
    ],
    ["what creates something, and was limited", "POST", "reply", "rate_limited", 429, 1, undefined],
    ["what is spare", "PUT", "spare", "unavailable", undefined, 1, undefined],
    ["what is spare, and was limited", "PUT", "spare", "rate_limited", 429, 1, undefined],
  ];
  for (const [name, method, priority, kind, status, failures, waitMs] of rows) {
    it(`waits ${waitMs ?? "for nothing more"}: ${name}`, () => {
      const error = { kind, ...(status !== undefined && { status }) };
      assert.equal(retryWaitMs({ method, priority, error, failures }, RULES, 0.5), waitMs);
    });
  }
});
