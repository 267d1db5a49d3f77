import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { endOf, tokenHint, withTokenPlace } from "../../../src/bot/health/account_health.ts";
import { TOKEN_HINT } from "../../../src/discord/gateway/lifecycle/close_codes.ts";
import { RestError } from "../../../src/discord/rest/exchange/rest_error.ts";

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
