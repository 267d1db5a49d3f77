import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ApplicationId } from "../../../../src/core/discord/ids.ts";
import { createApplicationCommands } from "../../../../src/discord/rest/calls/application_commands.ts";
import { checkedApi } from "../checked_api.ts";

const APPLICATION = "99" as ApplicationId;
const STATUS = {
  type: 1,
  name: "status",
  description: "Show version",
  options: [{ type: 4, name: "days", description: "How many", required: false }],
};

describe("[K1] createApplicationCommands()", () => {
  it("lists Discord's commands, without the fields that Barnacle does not compare", async () => {
    const answer = {
      ...STATUS,
      id: "7",
      application_id: "99",
      version: "8",
      options: [{ type: 4, name: "days", description: "How many" }],
    };
    const { api, sent } = checkedApi([answer]);
    assert.deepEqual(await createApplicationCommands(api).list(APPLICATION), {
      commands: [STATUS],
      entryPoint: [],
    });
    assert.deepEqual(sent.map(({ method, path }) => [method, path]), [
      ["GET", "/applications/99/commands"],
    ]);
  });

  it("replaces all of them in one request", async () => {
    const { api, sent, asked } = checkedApi([]);
    const registered = { commands: [STATUS], entryPoint: [] };
    await createApplicationCommands(api).replace(APPLICATION, registered);
    assert.deepEqual(sent.map(({ method, body }) => [method, body]), [["PUT", [STATUS]]]);
    assert.equal(asked[0]?.[2]?.priority, "background", "no person waits for it");
  });

  it("keeps the command that launches the application's Activity apart, and sends it again", async () => {
    const launch = { type: 4, name: "launch", description: "", handler: 2 };
    const { api, sent } = checkedApi([launch], []);
    const { list, replace } = createApplicationCommands(api);
    const { commands, entryPoint } = await list(APPLICATION);
    assert.deepEqual([commands, entryPoint], [[], [launch]]);
    await replace(APPLICATION, { commands: [STATUS], entryPoint });
    assert.deepEqual(sent.at(-1)?.body, [STATUS, launch]);
  });
});
