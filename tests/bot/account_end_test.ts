import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AccountEnd,
  endOf,
  endReason,
  tokenHint,
  withTokenPlace,
} from "../../src/bot/account_end.ts";
import { TOKEN_HINT } from "../../src/discord/gateway/lifecycle/close_codes.ts";
import { RestError } from "../../src/discord/rest/exchange/exchange.ts";

const PLACE = "DISCORD_BOT_TOKEN";
const restError = (kind: RestError["kind"]) =>
  new RestError("failed with 401: 401: Unauthorized", { kind, route: "GET /applications/@me" });

describe("[O7] endOf()", () => {
  it("says which token Discord refuses, where it is set, and how to make a new one", () => {
    const end = endOf(restError("unauthorized"), PLACE);
    assert.deepEqual(end, { kind: "refused", hint: tokenHint(PLACE) });
    assert.match(tokenHint(PLACE), /token of DISCORD_BOT_TOKEN\..*Reset Token .*https:/);
  });

  it("keeps Discord's reason for any other refusal", () => {
    const end = endOf(restError("forbidden"), PLACE);
    assert.ok(end.kind === "refused");
    assert.match(end.hint, /Unauthorized/);
  });

  it("takes any other error for a fault", () => {
    const error = new TypeError("ours");
    assert.deepEqual(endOf(error, PLACE), { kind: "fault", error });
  });
});

describe("[O7] withTokenPlace()", () => {
  it("adds the place to the advice about the token alone", () => {
    const refused = { kind: "stop", code: 4004, hint: TOKEN_HINT } as const;
    assert.deepEqual(withTokenPlace(refused, PLACE), { ...refused, hint: tokenHint(PLACE) });
    const intents = { kind: "stop", code: 4013, hint: "fix gateway.intents" } as const;
    assert.equal(withTokenPlace(intents, PLACE), intents);
    const died = { kind: "worker_died", deaths: 4 } as const;
    assert.equal(withTokenPlace(died, PLACE), died);
  });
});

describe("[O7] endReason()", () => {
  const ends: readonly [AccountEnd, RegExp][] = [
    [{ kind: "refused", hint: "set a new token" }, /^set a new token$/],
    [{ kind: "stop", code: 4014, hint: "grant the intents" }, /^grant the intents$/],
    [{ kind: "give_up", exit: false }, /barnacle doctor/],
    [{ kind: "worker_died", deaths: 5 }, /died 5 times/],
    [{ kind: "fault", error: new Error("secret words") }, /see the log/],
  ];
  for (const [end, words] of ends) {
    it(`says how to fix it, and no words of an error: ${end.kind}`, () => {
      assert.match(endReason(end), words);
      assert.doesNotMatch(endReason(end), /secret words/);
    });
  }
});
