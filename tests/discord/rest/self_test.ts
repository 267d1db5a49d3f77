import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RestError } from "../../../src/discord/rest/rest_error.ts";
import { readSelf } from "../../../src/discord/rest/self.ts";
import { fakeApi } from "./fake_api.ts";
import { withDiscord } from "./simulated.ts";

describe("readSelf()", () => {
  it("[D2] asks whose the token is", () =>
    withDiscord(async ({ api, sim }) => {
      assert.equal(await readSelf(api), sim.application.userId);
    }));

  it("refuses what is not Discord's", () =>
    assert.rejects(readSelf(fakeApi({ id: "me" }).api), RestError));
});
