import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAccountModels } from "../../../src/flows/interactions/conversations.ts";
import type { Model } from "../../../src/core/model.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { callOf } from "../../support/discord/calls.ts";
import { openTestStore } from "../../support/store/store.ts";

const named = (id: string) => ({ id }) as Model;
const CALL = callOf("model");
const KEY = "agent:main:discord:channel:1";

function build() {
  const { store } = openTestStore();
  let known = ["a/small", "b/large"];
  const models = createAccountModels({ accountId: ACCOUNT, store, now: () => 1 }, {
    answering: () => ({
      ids: ["a/small", "c/helper"],
      of: (agentId) => named(agentId === "helper" ? "c/helper" : "a/small"),
    }),
    choices: () => ({
      ids: known,
      of: (id) => known.includes(id) ? named(id) : undefined,
      ofFilter: named,
      refused: () => [],
    }),
    routeOf: () => ({ agentId: "main", sessionKey: KEY }),
  });
  return { store, models, remove: () => known = ["a/small"] };
}

describe("[K2] createAccountModels()", () => {
  it("has the config's model until a person chooses another one of the config", async () => {
    const { models } = build();
    assert.deepEqual(models.ids(), ["a/small", "c/helper", "b/large"]);
    assert.equal((await models.modelOf({ agentId: "main", sessionKey: KEY })).id, "a/small");
    await models.choose(CALL, "b/large");
    assert.deepEqual(await models.of(CALL), { id: "b/large" });
    assert.equal((await models.modelOf({ agentId: "main", sessionKey: KEY })).id, "b/large");
    assert.equal((await models.modelOf({ agentId: "main", sessionKey: "another" })).id, "a/small");
    await models.choose(CALL, undefined);
    assert.equal((await models.modelOf({ agentId: "main", sessionKey: KEY })).id, "a/small");
  });

  it("[N1] has the model of the agent that answers, and a choice counts for its session", async () => {
    const { models } = build();
    const helper = { agentId: "helper", sessionKey: "agent:helper:discord:channel:1" };
    assert.equal(models.modelOf(helper).id, "c/helper");
    await models.choose(CALL, "b/large");
    assert.equal(models.modelOf(helper).id, "c/helper");
  });

  it("forgets a choice that the config no longer has", async () => {
    const { models, remove } = build();
    await models.choose(CALL, "b/large");
    remove();
    assert.deepEqual(await models.of(CALL), { id: "a/small" });
  });
});
