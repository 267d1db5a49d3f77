import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createReadRoles } from "../../../src/discord/rest/members.ts";
import { RestError } from "../../../src/discord/rest/rest_error.ts";
import { guildId, userId } from "../../support/builders.ts";

const read = (answer: unknown) =>
  createReadRoles({
    request: (method, path) => {
      assert.equal(`${method} ${path}`, "GET /guilds/100/members/900");
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  })(guildId("100"), userId("900"));

describe("[G6] [P14] createReadRoles()", () => {
  it("reads which roles somebody has", async () => {
    assert.deepEqual(await read({ roles: ["1", "2"], nick: "x" }), ["1", "2"]);
  });

  it("knows no roles of somebody who has left", async () => {
    const about = { kind: "not_found", route: "GET /x", status: 404 } as const;
    assert.deepEqual(await read(new RestError("failed", { ...about, code: 10_007 })), []);
    const page = new RestError("failed", about);
    await assert.rejects(read(page), page, "somebody in between said so, not Discord");
  });

  it("does not take a failure for nobody's roles", async () => {
    const down = new RestError("failed", { kind: "unavailable", route: "GET /x" });
    await assert.rejects(read(down), down);
    await assert.rejects(read({ roles: ["helpers"] }), RestError);
  });
});
