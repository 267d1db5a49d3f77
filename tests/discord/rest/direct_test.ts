import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createOpenDirect } from "../../../src/discord/rest/direct.ts";
import { RestError } from "../../../src/discord/rest/rest_error.ts";
import { userId } from "../../support/builders.ts";
import { fakeApi } from "./fake_api.ts";
import { withDiscord } from "./simulated.ts";

describe("createOpenDirect()", () => {
  it("[S4] opens the same channel each time, and waits its turn like a reply", () =>
    withDiscord(async ({ api, demo }) => {
      const open = createOpenDirect(api);
      assert.equal(await open(demo.people.mallory.id), demo.malloryDm.id);
      assert.equal(await open(demo.people.mallory.id), demo.malloryDm.id);
    }));

  it("[S4] asks for a person by id, with no priority of its own", async () => {
    const { api, asked } = fakeApi({ id: "9", type: 1 });
    assert.equal(await createOpenDirect(api)(userId("5")), "9");
    assert.deepEqual(asked, [["POST", "/users/@me/channels", { body: { recipientId: "5" } }]]);
  });

  it("[S4] knows nobody whom Discord does not know", () =>
    withDiscord(({ api }) =>
      assert.rejects(createOpenDirect(api)(userId("5")), { kind: "not_found", code: 10013 })
    ));

  for (const answer of [undefined, {}, { id: "general" }]) {
    it(`refuses what is not Discord's: ${JSON.stringify(answer)}`, () =>
      assert.rejects(createOpenDirect(fakeApi(answer).api)(userId("5")), RestError));
  }
});
