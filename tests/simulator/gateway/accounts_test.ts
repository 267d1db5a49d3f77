import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAccounts } from "../../../simulator/gateway/accounts.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";

const NOW = Date.UTC(2026, 0, 2);

describe("[D3] createAccounts()", () => {
  it("counts invalid requests of the last ten minutes, for all applications together", () => {
    const { world, barnacle, otherBot } = demoWorld();
    const accounts = createAccounts(world);
    accounts.noteInvalid(NOW);
    assert.equal(accounts.noteInvalid(NOW + 599_999), 2);
    assert.equal(accounts.noteInvalid(NOW + 600_000), 2);
    assert.equal(accounts.of(barnacle).invalidRequests, accounts.of(otherBot).invalidRequests);
  });

  it("has the application's current state, not its first one", () => {
    const { world, barnacle } = demoWorld();
    const account = createAccounts(world).of(barnacle);
    world.applications.set(barnacle.id, { ...barnacle, privilegedIntents: 0 });
    assert.equal(account.application.privilegedIntents, 0);
  });

  it("does not know a reset token", () => {
    const { world, barnacle } = demoWorld();
    const accounts = createAccounts(world);
    assert.equal(accounts.byToken(barnacle.token), accounts.of(barnacle));
    accounts.of(barnacle).tokenResetAt = NOW;
    assert.equal(accounts.byToken(barnacle.token), undefined);
  });
});
