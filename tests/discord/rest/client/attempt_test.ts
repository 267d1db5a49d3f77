import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Attempt,
  type BodyOptions,
  createAttempts,
  type ParsedAnswer,
} from "../../../../src/discord/rest/client/send.ts";
import { RestError } from "../../../../src/discord/rest/exchange/rest_error.ts";
import { routeOf } from "../../../../src/discord/rest/exchange/route.ts";

const DISCORDS_401 = { message: "401: Unauthorized", code: 0 };

function answer(status: number, body: unknown, headers: Record<string, string> = {}): ParsedAnswer {
  return { status, headers: new Headers(headers), text: JSON.stringify(body), body };
}

/** Attempts whose requests get these responses. */
function open(...answers: readonly (ParsedAnswer | Error)[]) {
  const left = [...answers];
  const noted: number[] = [];
  const attempts = createAttempts(() => {
    const next = left.shift();
    return next instanceof Error || !next ? Promise.reject(next) : Promise.resolve(next);
  }, { note: (status) => void noted.push(status) });
  const permit = {
    waitMs: 0,
    sent() {},
    answered: () => 250,
    retry: () => Promise.reject(new Error("not asked for")),
    release() {},
  };
  const route = routeOf("GET", "/users/@me");
  const once = (body: BodyOptions = {}) =>
    attempts.once(permit, { route, method: "GET", path: "/users/@me", body });
  return { attempts, permit, noted, once };
}

describe("[D5] createAttempts()", () => {
  const outcomes: readonly [string, ParsedAnswer | Error, Attempt["kind"]][] = [
    ["a success", answer(200, {}), "done"],
    ["a rate limit with a duration", answer(429, { retry_after: 0.25 }), "limited"],
    ["a rate limit without a duration", answer(429, {}), "failed"],
    ["a token that Discord does not know", answer(401, DISCORDS_401), "token"],
    ["the 401 of a proxy", answer(401, undefined), "failed"],
    ["Discord's failure", answer(500, {}), "failed"],
    [
      "no answer",
      new RestError("was lost", { kind: "unavailable", route: "GET /users/@me" }),
      "failed",
    ],
  ];
  for (const [what, given, kind] of outcomes) {
    it(`calls ${what} "${kind}"`, async () => {
      const { once } = open(given);
      assert.equal((await once()).kind, kind);
    });
  }

  it("throws an error that is not a RestError", async () => {
    const { once } = open(new TypeError("a defect"));
    await assert.rejects(once(), /a defect/);
  });

  it("has worked once Discord has accepted the bot's own token", async () => {
    const { attempts, once } = open(answer(200, {}), answer(200, {}));
    await once({ unauthorized: true });
    assert.equal(attempts.hasWorked, false);
    await once();
    assert.equal(attempts.hasWorked, true);
  });

  it("asks Discord whether the token is valid, and counts the response", async () => {
    const { attempts, permit, noted } = open(answer(401, DISCORDS_401), answer(500, {}));
    assert.equal(await attempts.isTokenValid(permit), false);
    assert.equal(await attempts.isTokenValid(permit), true);
    assert.deepEqual(noted, [401, 500]);
  });
});
